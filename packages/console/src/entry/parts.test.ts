import { parseQuery } from "@postern/log/query"
import { expect, test } from "vitest"
import { addressOf, partiesOf, partyOf, relationsOf } from "./parts.ts"
import { termFor } from "./term-for.ts"

test("parties, whatever the writer put there", () => {
  expect(partyOf({ type: "user", id: "alice", name: "Alice" })).toMatchObject({ id: "alice" })
  expect(partyOf("alice")).toMatchObject({ id: "alice", type: undefined })
  expect(partyOf({ id: 7 })).toMatchObject({ id: "7" })
  for (const none of [undefined, null, 7, [], {}]) expect(partyOf(none)).toBeUndefined()
  expect(partiesOf([{ id: "a" }, 7, null, { id: "b" }]).map(({ id }) => id)).toEqual(["a", "b"])
  expect(partiesOf({ id: "a" })).toEqual([])
})

test("the address that the writer names", () => {
  expect(addressOf({ origin: { ip: "10.0.0.1" } })).toBe("10.0.0.1")
  expect(addressOf({ origin: "10.0.0.1" })).toBeUndefined()
})

test("relations lead to queries that can be read, also for hostile values", () => {
  const event = {
    action: "a.b",
    actor: { type: "user", id: 'x" OR *', session: "s 1" },
    request: { id: "req-1" },
    targets: [{ type: "a", id: "(" }],
  }
  const relations = relationsOf(event, "spiffe://a/b", 7)
  const titles = relations.map(({ title }) => title)
  expect(titles).toEqual(expect.arrayContaining(["Same request", "Same session", "Same actor"]))
  for (const { field, value } of relations) {
    const test = { kind: "equals", text: value }
    expect(parseQuery(termFor(field, value))).toMatchObject({ kind: "field", test })
  }
})
