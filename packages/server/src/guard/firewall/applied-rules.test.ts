import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import {
  digestOfRules,
  keepApplied,
  putAppliedText,
  readApplied,
  readAppliedText,
} from "./applied-rules.ts"

let base: string
let file: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "postern-applied-"))
  file = join(base, "firewall.json")
})
afterEach(() => rmSync(base, { recursive: true }))

const now = { declarations: ["table x"], contents: ["rule a", "rule b"], saved: "{}" }
const rules = { digest: "0f", uid: undefined, now }

describe("what was applied", () => {
  test("is read as it was written, for root and the group, and nothing else is left", () => {
    expect(readApplied(file)).toBeUndefined()
    expect(keepApplied(file, "nftables", rules)).toBe(true)
    const { declarations, contents } = now
    const kept = { dialect: "nftables", digest: "0f", declarations, contents }
    expect(readApplied(file)).toEqual(kept)
    expect(statSync(file).mode & 0o037).toBe(0)
    keepApplied(file, "nftables", { ...rules, uid: 0 })
    expect(readApplied(file)).toEqual({ ...kept, uid: 0 })
    expect(readdirSync(base)).toEqual(["firewall.json"])
  })

  test("is not written where the data is not", () => {
    expect(keepApplied(join(base, "state/firewall.json"), "nftables", rules)).toBe(false)
  })

  test("comes back as it was, or is gone again", () => {
    keepApplied(file, "nftables", rules)
    const before = readAppliedText(file)
    keepApplied(file, "iptables", rules)
    putAppliedText(file, before)
    expect(readApplied(file)?.dialect).toBe("nftables")
    putAppliedText(file, undefined)
    expect(readApplied(file)).toBeUndefined()
  })

  test("that was interrupted is written anew, through no link that somebody left in its place", () => {
    const other = join(base, "other")
    symlinkSync(other, `${file}.new`)
    keepApplied(file, "nftables", rules)
    expect(readdirSync(base)).toEqual(["firewall.json"])
  })
})

describe("not taken from anybody", () => {
  test.each([0o660, 0o602])("with mode %o", (mode) => {
    keepApplied(file, "nftables", rules)
    chmodSync(file, mode)
    expect(() => readApplied(file)).toThrow("may have been written by somebody else")
  })

  test.runIf(process.geteuid?.() === 0)("but root and whoever reads it", () => {
    keepApplied(file, "nftables", rules)
    chownSync(file, 4_321, 0)
    expect(() => readApplied(file)).toThrow("may have been written by somebody else")
  })

  test("through a link", () => {
    keepApplied(join(base, "real"), "nftables", rules)
    symlinkSync(join(base, "real"), file)
    expect(() => readApplied(file)).toThrow("ELOOP")
  })

  test.each([
    "",
    "[]",
    "null",
    "{",
    '{"dialect":"nftables","digest":"0f","declarations":[],"contents":[1]}',
    '{"dialect":"nftables","digest":"0f","contents":[]}',
    '{"digest":"0f","declarations":[],"contents":[]}',
  ])("in another form: %s", (text) => {
    writeFileSync(file, text, { mode: 0o640 })
    expect(() => readApplied(file)).toThrow("apply the rules again")
  })
})

test("the digest is of the rules, not of what is said about them", () => {
  const text = "# list 01\nadd table inet postern\n\nadd rule x\n"
  expect(digestOfRules(text)).toBe(digestOfRules(text.replace("# list 01", "# list 02\n# more")))
  expect(digestOfRules(text)).not.toBe(digestOfRules(text.replace("rule x", "rule y")))
})
