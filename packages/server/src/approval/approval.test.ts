import { createHash, X509Certificate } from "node:crypto"
import { describe, expect, test } from "vitest"
import { parseAccess } from "../access/index.ts"
import { createAuthority, issueCertificate } from "../guard/pki/index.ts"
import { checkStatement, distinctSigners, type Statement, signStatement } from "./index.ts"

const now = new Date("2026-11-22T12:00:00Z")
const origin = "postern.test/audit"
const foreign = await createAuthority({ trustDomain: "postern.test", now })
const id = (name: string) => `spiffe://postern.test/operator/${name}`
const authority = await createAuthority({ trustDomain: "postern.test", now })
const issue = (name: string, by = authority, days = 30) =>
  issueCertificate({ authority: by, id: id(name), usage: "client", now, days })
const alice = await issue("alice")
const identities = ["alice", "bob"].map((name) => ({ id: id(name), role: "operator" }))
const list = parseAccess(JSON.stringify({ identities }))
const world = { origin, list, ca: authority.certificate, nowMs: now.getTime() }
const statement: Statement = {
  kind: "approve-access",
  origin,
  time: "2026-11-22T11:59:00Z",
  fields: { from: "aa".repeat(32), to: "bb".repeat(32) },
}
const good = signStatement(statement, alice)

describe("a statement", () => {
  test("says what was signed, and by whom", () => {
    expect(checkStatement(good, world)).toMatchObject({ ...statement, by: id("alice") })
  })

  test("counts no more with any byte changed", () => {
    for (let at = 0; at < good.length; at++) {
      const other = good[at] === "1" ? "2" : "1"
      const text = good.slice(0, at) + other + good.slice(at + 1)
      expect(() => checkStatement(text, world), `byte ${at}`).toThrow()
    }
  })

  test.each([
    ["cut", good.slice(0, -1)],
    ["with more behind it", `${good}\n`],
    ["with CR LF", good.replaceAll("\n", "\r\n")],
    ["with a field more", good.replace("to ", "by x\nto ")],
    ["with its fields in another order", good.replace(/(from .*\n)(to .*\n)/, "$2$1")],
    ["too long", `${good}${"x".repeat(20_000)}`],
    ["empty", ""],
  ])("is refused %s", (_name, text) => {
    expect(() => checkStatement(text, world)).toThrow("does not count")
  })

  test.each<[string, Partial<typeof world>]>([
    ["of another log", { origin: "postern.test/other" }],
    ["eight days old", { nowMs: now.getTime() + 8 * 86_400_000 }],
    ["of the future", { nowMs: now.getTime() - 600_000 }],
    ["by somebody who is no operator any more", { list: parseAccess("identities: []\n") }],
    ["by another CA", { ca: foreign.certificate }],
    ["without a CA", { ca: "" }],
  ])("does not count %s", (_name, more) => {
    expect(() => checkStatement(good, { ...world, ...more })).toThrow("does not count")
  })

  test("does not count by a certificate that was revoked or is over", async () => {
    const { publicKey, serialNumber } = new X509Certificate(alice.certificate)
    const spki = publicKey.export({ type: "spki", format: "der" })
    const key = createHash("sha256").update(spki).digest("hex")
    const serial = serialNumber.toLowerCase().replace(/^0+/, "")
    for (const revoked of [[{ serial }], [{ key }]]) {
      const without = parseAccess(JSON.stringify({ identities, revoked }))
      expect(() => checkStatement(good, { ...world, list: without })).toThrow("revoked")
    }
    const short = signStatement(statement, await issue("alice", authority, 1))
    const late = { ...world, nowMs: now.getTime() + 2 * 86_400_000 }
    expect(() => checkStatement(short, late)).toThrow("not good now")
    expect(checkStatement(good, late).by).toBe(id("alice"))
  })

  test("does not count by a certificate that is made for servers or with somebody else's key", async () => {
    const server = await issueCertificate({ authority, id: id("alice"), usage: "server", now })
    expect(() => checkStatement(signStatement(statement, server), world)).toThrow("clientAuth")
    const { certificate } = await issue("bob")
    const stolen = signStatement(statement, { certificate, key: alice.key })
    expect(() => checkStatement(stolen, world)).toThrow("signature")
  })

  test("is not signed with a field that is not of its form", () => {
    const fields = { ...statement.fields, to: "B".repeat(64) }
    expect(() => signStatement({ ...statement, fields }, alice)).toThrow("field to")
  })
})

test("approvers are distinct by identity and by key", async () => {
  const check = (text: string) => checkStatement(text, world)
  const [again, bob] = [await issue("alice"), await issue("bob")]
  const all = [alice, again, bob, alice].map((signer) => check(signStatement(statement, signer)))
  expect(distinctSigners(all).map(({ by }) => by)).toEqual([id("alice"), id("bob")])
  const [first] = all
  const twin = { ...all[2], key: first?.key ?? "" } as (typeof all)[number]
  expect(distinctSigners([...all.slice(0, 1), twin])).toHaveLength(1)
})
