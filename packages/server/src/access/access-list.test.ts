import { createHash } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { parseQuery } from "@postern/log/query"
import { describe, expect, test } from "vitest"
import { explainAccess, parseAccess } from "./index.ts"

const good = `# who may do what
identities:
  - id: spiffe://postern.local/writer/app
    role: writer
    owner: payments team
    ticket: SEC-17
    expires: 2027-11-22
    grant:
      adapters: [postern, http]
      sources: ["app://*", "db://orders"]
      actions: [invoice.deleted, "user.*"]
      eventsPerSecond: 1000
      bytesPerSecond: 100000
      eventBytes: 4096
  - id: spiffe://postern.local/reader/auditor
    role: reader
    grant: { see: auditor }
  - id: spiffe://postern.local/operator/admin
    role: operator
    expires: 2027-01-01T12:30:00Z
  - id: spiffe://postern.local/postern/reader
    role: writer
    grant: { adapters: [postern], sources: ["*"], actions: ["postern.*"], internal: true }
`
const app = "spiffe://postern.local/writer/app"
const now = Date.parse("2026-11-22T12:00:00Z")

function refusal(text: string): string {
  try {
    parseAccess(text)
  } catch (error) {
    expect(error).toBeInstanceOf(PosternError)
    expect((error as PosternError).code).toBe("ACCESS_INVALID")
    return (error as PosternError).detail ?? ""
  }
  throw new Error("it was taken")
}

describe("the access list", () => {
  const list = parseAccess(good)

  test("a writer's grant says ways in, sources, actions, rates and size", () => {
    const grant = list.writer(app, now)
    expect([...(grant?.adapters ?? [])]).toEqual(["postern", "http"])
    expect(grant).toMatchObject({ id: app, eventsPerSecond: 1000, bytesPerSecond: 100_000 })
    expect(grant).toMatchObject({ eventBytesMax: 4096, internal: false })
    for (const source of ["app://", "app://x", "db://orders"]) {
      expect(grant?.sources.covers(source)).toBe(true)
    }
    for (const source of ["db://orders/1", "db://order", "xapp://a", ""]) {
      expect(grant?.sources.covers(source)).toBe(false)
    }
    expect(grant?.sources.any).toBe(false)
    expect(grant?.actions.covers("user.created")).toBe(true)
    expect(grant?.actions.covers("users")).toBe(false)
    expect(list.writer("spiffe://postern.local/postern/reader", now)).toMatchObject({
      internal: true,
      eventsPerSecond: undefined,
      eventBytesMax: 8_388_608,
      sources: { any: true },
    })
  })

  test("an identity is what its one role says and nothing else", () => {
    const auditor = "spiffe://postern.local/reader/auditor"
    const admin = "spiffe://postern.local/operator/admin"
    expect(list.reader(auditor, now)).toEqual({ id: auditor, see: "auditor" })
    expect(list.operator(admin, now)).toBe(true)
    expect(list.writer(auditor, now) ?? list.writer(admin, now)).toBeUndefined()
    expect(list.reader(app, now) ?? list.reader(admin, now)).toBeUndefined()
    expect(list.operator(app, now) || list.operator(auditor, now)).toBe(false)
    const id = "spiffe://postern.local/postern/courier"
    const courier = parseAccess(`identities: [{ id: "${id}", role: courier }]`)
    expect([courier.courier(id, now), courier.operator(id, now)]).toEqual([true, false])
    expect(list.courier(admin, now)).toBe(false)
    const own = courier.writer(id, now)
    expect([own?.internal, own?.actions.texts, [...(own?.adapters ?? [])]]).toEqual([
      true,
      ["postern.alert.*", "postern.alerts.*"],
      ["postern"],
    ])
    const write = { verb: "write", action: "postern.read" } as const
    expect(explainAccess(courier, id, write, now).allowed).toBe(false)
    expect(
      explainAccess(courier, id, { ...write, action: "postern.alert.raised" }, now).allowed,
    ).toBe(true)
    for (const stranger of ["", "__proto__", "constructor", `${app}/`, app.toUpperCase()]) {
      expect(list.writer(stranger, now)).toBeUndefined()
    }
  })

  test("an investigator brings its query along, read", () => {
    const id = "spiffe://postern.local/reader/payroll"
    const query = "source:app://payroll AND NOT actor:root"
    const grant = { see: "investigator", query }
    const text = JSON.stringify({ identities: [{ id, role: "reader", grant }] })
    expect(parseAccess(text).reader(id, now)).toEqual({
      ...{ id, see: "investigator", query: parseQuery(query) },
    })
  })

  test("it ends in the moment that expires names", () => {
    const day = Date.parse("2027-11-22T00:00:00Z")
    expect(list.writer(app, day - 1)).toBeDefined()
    expect(list.writer(app, day)).toBeUndefined()
    const moment = Date.parse("2027-01-01T12:30:00Z")
    expect(list.operator("spiffe://postern.local/operator/admin", moment - 1)).toBe(true)
    expect(list.operator("spiffe://postern.local/operator/admin", moment)).toBe(false)
  })

  test("the digest is the text's SHA-256, comments included", () => {
    expect(list.digest).toBe(createHash("sha256").update(good).digest("hex"))
    expect(parseAccess(`${good}# more\n`).digest).not.toBe(list.digest)
  })

  test("an empty list is a list: nobody gets in", () => {
    expect(parseAccess("identities: []\n").identities).toEqual([])
  })

  const replacements: readonly (readonly [string, string, string])[] = [
    ["identities:", "identitys:", "line 2: identit"],
    ["    owner: payments team", "    owners: x", "line 5: identities[0].owners: unknown key"],
    ["    owner: payments team", "    owner: 12", "line 5: identities[0].owner: must be text"],
    [
      "    owner: payments team",
      '    owner: "a\\u001b[31m"',
      "line 5: identities[0].owner: must not",
    ],
    [
      "    role: writer\n    owner",
      "    role: admin\n    owner",
      "line 4: identities[0].role: must be writer",
    ],
    ["    role: writer\n    owner", "    owner", "identities[0].role: is missing"],
    [
      "    role: operator",
      "    role: operator\n    grant: {}",
      "line 20: identities[2].grant: unknown key",
    ],
    [
      "{ see: auditor }",
      "{ see: everything }",
      "line 17: identities[1].grant.see: must be monitor, investigator or auditor",
    ],
    ["{ see: auditor }", "{ see: investigator }", "line 17: identities[1].grant.query: is missing"],
    [
      "{ see: auditor }",
      '{ see: auditor, query: "actor:b" }',
      "line 17: identities[1].grant.query: is for investigators only",
    ],
    [
      "{ see: auditor }",
      '{ see: monitor, query: "actor:b" }',
      "line 17: identities[1].grant.query: is for investigators only",
    ],
    [
      "{ see: auditor }",
      '{ see: investigator, query: "actor:(b" }',
      "line 17: identities[1].grant.query: is no query: at character",
    ],
    [
      "{ see: auditor }",
      '{ see: investigator, query: "  " }',
      "line 17: identities[1].grant.query: must not be empty",
    ],
    [
      "{ see: auditor }",
      `{ see: investigator, query: "${"a".repeat(1025)}" }`,
      "line 17: identities[1].grant.query: is longer",
    ],
    ["{ see: auditor }", "{}", "line 17: identities[1].grant.see: is missing"],
    [
      "{ see: auditor }",
      "{ see: auditor, adapters: [http] }",
      "line 17: identities[1].grant.adapters: unknown key",
    ],
    ["    grant: { see: auditor }\n", "", "line 15: identities[1].grant: is missing"],
    [
      "expires: 2027-11-22\n",
      "expires: 2027-02-30\n",
      "line 7: identities[0].expires: must be a day",
    ],
    [
      "expires: 2027-11-22\n",
      "expires: 22.11.2027\n",
      "line 7: identities[0].expires: must be a day",
    ],
    ["expires: 2027-11-22\n", "expires: 2027\n", "line 7: identities[0].expires: must be text"],
    [
      "expires: 2027-11-22\n",
      "expires: 2027-11-22T00:00:00+01:00\n",
      "line 7: identities[0].expires",
    ],
    ["expires: 2027-11-22\n", "expires: 2027-11-22T24:00:00Z\n", "line 7: identities[0].expires"],
    ["expires: 2027-11-22\n", "expires: never\n", "line 7: identities[0].expires: must be a day"],
    [
      "[postern, http]",
      "[postern, smtp]",
      "line 9: identities[0].grant.adapters[1]: must be one of",
    ],
    ["[postern, http]", "[http, http]", "line 9: identities[0].grant.adapters: names one twice"],
    ["[postern, http]", "[]", "line 9: identities[0].grant.adapters: must name at least one"],
    ["[postern, http]", "http", "line 9: identities[0].grant.adapters: must be a list"],
    [
      '["app://*", "db://orders"]',
      '["app://*/x"]',
      "line 10: identities[0].grant.sources[0]: may hold * at",
    ],
    [
      '["app://*", "db://orders"]',
      '["**"]',
      "line 10: identities[0].grant.sources[0]: may hold * at",
    ],
    [
      '["app://*", "db://orders"]',
      '[""]',
      "line 10: identities[0].grant.sources[0]: must not be empty",
    ],
    [
      '["app://*", "db://orders"]',
      '["a\\"b"]',
      "line 10: identities[0].grant.sources[0]: must not",
    ],
    [
      '["app://*", "db://orders"]',
      `["${"é".repeat(129)}"]`,
      "line 10: identities[0].grant.sources[0]: is longer",
    ],
    [
      "[invoice.deleted",
      "[Invoice.deleted",
      "line 11: identities[0].grant.actions[0]: must be made of",
    ],
    ["[invoice.deleted", '["in*ice"', "line 11: identities[0].grant.actions[0]: must be made of"],
    ["[invoice.deleted", '["^a.*$"', "line 11: identities[0].grant.actions[0]: must be made of"],
    ["[invoice.deleted", '[""', "line 11: identities[0].grant.actions[0]: must not be empty"],
    [
      "eventsPerSecond: 1000",
      "eventsPerSecond: 0",
      "line 12: identities[0].grant.eventsPerSecond: must be at least 1",
    ],
    [
      "eventsPerSecond: 1000",
      "eventsPerSecond: 1.5",
      "line 12: identities[0].grant.eventsPerSecond: must be a whole",
    ],
    [
      "eventsPerSecond: 1000",
      "eventsPerSecond: .inf",
      "line 12: identities[0].grant.eventsPerSecond: ",
    ],
    [
      "eventsPerSecond: 1000",
      "eventsPerSecond: '1000'",
      "line 12: identities[0].grant.eventsPerSecond: must be a",
    ],
    [
      "bytesPerSecond: 100000",
      "bytesPerSecond: 1e15",
      "line 13: identities[0].grant.bytesPerSecond: must be at most",
    ],
    [
      "eventBytes: 4096",
      "eventBytes: 8388609",
      "line 14: identities[0].grant.eventBytes: must be at most 8388608",
    ],
    ["eventBytes: 4096", "eventByte: 1", "line 14: identities[0].grant.eventByte: unknown key"],
    [
      "internal: true",
      "internal: 'yes'",
      "line 23: identities[3].grant.internal: must be true or false",
    ],
    ["writer/app", "writer/../app", "line 3: identities[0].id: must be a SPIFFE ID"],
    ["writer/app", "writer/app?x", "line 3: identities[0].id: must be a SPIFFE ID"],
    [
      "spiffe://postern.local/writer/app",
      "https://x/app",
      "line 3: identities[0].id: must be a SPIFFE ID",
    ],
    [
      "reader/auditor",
      "writer/app",
      "line 15: identities[1].id: spiffe://postern.local/writer/app stands twice",
    ],
    ["    ticket: SEC-17", "    role: reader", "line 6: Map keys must be unique"],
    [
      "    ticket: SEC-17",
      "    __proto__: { role: operator }",
      "line 6: identities[0].__proto__: unknown key",
    ],
    ["identities:\n", "identities: &all\n", "taken"],
  ]

  test.each(replacements)("with %j made %j it is refused: %s", (from, to, message) => {
    expect(good).toContain(from)
    const text = good.replace(from, to)
    if (message === "taken") return expect(parseAccess(text).identities).toHaveLength(4)
    const detail = refusal(text)
    expect(detail).toMatch(/^line \d+: /)
    expect(detail).toContain(message)
    expect(detail).not.toContain("\n")
  })

  test("10,000 identities are taken and one more is not", () => {
    const line = (n: number) => `  - { id: "spiffe://t/r/${n}", role: operator }\n`
    const many = `identities:\n${Array.from({ length: 10_000 }, (_, n) => line(n)).join("")}`
    expect(parseAccess(many).identities).toHaveLength(10_000)
    expect(refusal(many + line(10_000))).toContain("must name at most 10000")
  })
})
