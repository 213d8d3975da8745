import { PosternError } from "@postern/log/base"
import { describe, expect, test } from "vitest"
import { addIdentity, type IdentityText, parseAccess } from "./index.ts"

const added: IdentityText = {
  id: "spiffe://postern.local/reader/new",
  role: "reader",
  owner: "yes: #1",
  grant: { see: "monitor" },
}
const operator = "id: spiffe://postern.local/operator/admin"

describe("adding an identity", () => {
  test("leaves every byte of a block list as it was", () => {
    const text = `# head
identities:
  # the boss
  - ${operator}   # spaced
    role:    operator
    owner: "quoted"   # kept

# tail
`
    const amended = addIdentity(text, added)
    const at = amended.indexOf("  - id: spiffe://postern.local/reader/new")
    const item = `  - id: spiffe://postern.local/reader/new
    role: reader
    owner: "yes: #1"
    grant:
      see: monitor
`
    expect(amended.slice(at, at + item.length)).toBe(item)
    expect(amended.slice(0, at) + amended.slice(at + item.length)).toBe(text)
    expect(text.slice(0, at)).toContain('owner: "quoted"   # kept\n')
  })

  test.each([
    ["without a line feed at the end", `identities:\n  - ${operator}\n    role: operator`],
    ["with a comment at the very end", `identities:\n  - ${operator}\n    role: operator # x`],
    ["without indentation", `identities:\n- ${operator}\n  role: operator\n`],
    ["with CR LF", `identities:\r\n  - ${operator}\r\n    role: operator\r\n`],
    ["with a flow item at the end", `identities:\n  - { ${operator}, role: operator }\n`],
    ["written as a flow list", `identities: [{ ${operator}, role: operator }]\n`],
    ["empty", "# mine\nidentities: []\n"],
    ["in a flow mapping", `{ identities: [{ ${operator}, role: operator }] }\n`],
    [
      "with a block text at the end",
      `identities:\n  - role: operator\n    ${operator}\n    owner: |-\n      x\n`,
    ],
    ["with a document end", `---\nidentities:\n  - ${operator}\n    role: operator\n...\n`],
    [
      "with much space at the end",
      `identities:\n  - ${operator}\n    role: operator\n\n\n   \n# end\n`,
    ],
    [
      "with a comment inside the item",
      `identities:\n  - ${operator}\n    role: operator\n    # inner\n  # outer\n`,
    ],
  ])("works on a list %s", (_name, text) => {
    const before = parseAccess(text).identities
    const amended = addIdentity(text, added)
    expect(parseAccess(amended).identities).toEqual([...before, added])
    for (const comment of text.match(/# \w+/g) ?? []) expect(amended).toContain(comment)
    const twice = addIdentity(amended, { id: "spiffe://t/x", role: "operator" })
    expect(parseAccess(twice).identities).toHaveLength(before.length + 2)
  })

  test("an id that is there already, a bad identity and a bad list are refused", () => {
    const text = addIdentity("identities: []\n", added)
    for (const act of [
      () => addIdentity(text, added),
      () => addIdentity(text, { ...added, id: "nobody" }),
      () => addIdentity("identities: 1", added),
    ]) {
      expect(act).toThrow(PosternError)
    }
  })
})
