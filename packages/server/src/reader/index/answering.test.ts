import { parseQuery, type Query } from "@postern/log/query"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import {
  type Indexed,
  leafOf,
  newIndexDirectory,
  openIndexed,
  openings,
  removeDirectories,
  scanAll,
  writeLeaves,
  writers,
} from "./index-log.test.support.ts"

const start = Date.UTC(2026, 10, 1) * 1000
const ids = ["alice", "bob", "user:00100", "a/b", "Zürich", "", "10.1.2.3"]
const types = ["user", "service", "a", "file"]
const text = fc.constantFrom(
  ...ids,
  "export done",
  "done export",
  "EXPORT",
  "INC-0042",
  "x_1",
  "\u{1f600}",
  "t\ttab",
)
const party = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ type: fc.constantFrom(...types), id: fc.constantFrom(...ids) }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(null, 5, "alice", [], { id: 5 }, { id: "bob" }, { type: "user" }),
  },
)
const time = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.nat(40).map((day) => new Date(start / 1000 + day * 3_600_000).toISOString()),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("0001-01-01T00:00:00Z", "9999-12-31T23:59:60+14:00", "yesterday", 7),
  },
)
const odd = (values: readonly string[]) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(5, null, ["success"], { a: 1 }) },
  )
const event = fc.record(
  {
    id: fc.stringMatching(/^[0-9a-f]{4,6}$/),
    time,
    source: odd(["app://billing", "app://crm"]),
    action: odd(["invoice.deleted", "user.created", "export"]),
    outcome: odd(["success", "failure", "denied"]),
    actor: party,
    targets: fc.oneof(
      { weight: 9, arbitrary: fc.array(party, { maxLength: 3 }) },
      { weight: 1, arbitrary: party },
    ),
    data: fc.record(
      {
        note: text,
        ticket: fc.constantFrom("INC-0042", "INC-0815", 42, 1e21, 0.5, true, null),
        list: fc.array(text, { maxLength: 3 }),
        ip: fc.constantFrom("10.1.2.3", "10.9.0.1:443", "2001:db8::1"),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["id", "data"] },
)
const spelled = event.map((value) =>
  JSON.stringify(value).replace(":42,", ":4.2e1,").replace("bob", "b\\u006fb"),
)

const clauses = [
  "actor:alice",
  'actor:"user/alice"',
  "actor:us*",
  "actor:user/*",
  "target:file",
  'target:"a/a/b"',
  "target:*",
  "actor:*",
  "target:a*",
  "action:invoice.deleted",
  "action:inv*",
  "outcome:failure",
  "source:app://*",
  "export",
  "done",
  '"export done"',
  "exp*",
  "x_1",
  "Zürich",
  "data.ticket:INC-0042",
  "data.ticket:INC-*",
  "data.ticket:42",
  "data.ticket:0.5",
  "data.ticket:true",
  "data.ticket:1e21",
  "data.ticket:null",
  "data.ticket:>41",
  "data.list:bob",
  "data.ip:10.0.0.0/8",
  "data.ip:2001:db8::/32",
  `writer:"${writers[0]}"`,
  "writer:spiffe://corp/*",
  "stream:1",
  "index:>50",
  "index:7",
  "index:[20 TO 90]",
  "received:<2026-11-01T00:00:01Z",
  "received:[2026-11-01T00:00:00.5Z TO 2026-11-01T00:00:02Z]",
  "time:2026-11-01",
  "time:>2026-11-01T12:00:00Z",
  "time:<0002-01-01T00:00:00Z",
  "targets.type:file",
  "actor.id:bob",
  "actor.type:service",
  "outcome:*",
  "id:*",
  "data.nothing:*",
]
const clause = fc.constantFrom(...clauses).map(parseQuery)
const { query } = fc.letrec<{ query: Query }>((tie) => ({
  query: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    clause,
    fc.constant<Query>({ kind: "all" }),
    tie("query").map((part): Query => ({ kind: "not", part })),
    fc
      .array(tie("query"), { minLength: 1, maxLength: 3 })
      .map((parts): Query => ({ kind: "and", parts })),
    fc
      .array(tie("query"), { minLength: 1, maxLength: 3 })
      .map((parts): Query => ({ kind: "or", parts })),
  ),
}))

const directory = newIndexDirectory()
let leaves: Uint8Array[]
let indexed: Indexed
beforeAll(async () => {
  const events = fc.sample(spelled, { numRuns: 1500, seed: 7 })
  leaves = openings(start)
  let received = start
  for (const [i, json] of events.entries()) {
    received += (i * 7919) % 13 === 0 ? 90_000 : (i * 31) % 700
    leaves.push(leafOf(json, received, 1 + (i % 2), i))
  }
  const words = Array.from({ length: 700 }, (_, i) => `many${i}`).join(" ")
  leaves[700] = leafOf(
    JSON.stringify({ id: "many", data: { words, note: "export done" } }),
    received,
    1,
    9,
  )
  indexed = await openIndexed(await writeLeaves(leaves), directory.path)
})
afterAll(async () => {
  await indexed.close()
  directory.remove()
  removeDirectories()
})

const budget = { bytes: 1e9, ms: 60_000 }
async function found(
  query: Query,
  order: "asc" | "desc",
  from = 0,
  to = leaves.length,
): Promise<number[]> {
  const answer = await indexed.answering.search({ query, from, to, order, rows: 1e9, ...budget })
  expect(answer.rest.from).toBe(answer.rest.to)
  for (const { index, leaf } of answer.hits) expect(Buffer.compare(leaf, leaves[index]!)).toBe(0)
  return answer.hits.map(({ index }) => index)
}

describe("an index of files and pieces", () => {
  test("consists of both, and reaches the head", () => {
    const { indexed: end, parts, pieces } = indexed.answering.state()
    expect(end).toBe(leaves.length)
    expect(parts).toBeGreaterThan(2)
    expect(pieces).toBeGreaterThan(0)
  })

  test.each(clauses)("finds what a scan finds: %s", async (text) => {
    const wanted = scanAll(leaves, parseQuery(text))
    expect(await found(parseQuery(text), "asc")).toEqual(wanted)
    expect(await found(parseQuery(text), "desc")).toEqual(wanted.toReversed())
    const negated: Query = { kind: "not", part: parseQuery(text) }
    expect(await found(negated, "asc")).toEqual(scanAll(leaves, negated))
  })

  test("finds what a scan finds, whatever is asked", async () => {
    const range = fc
      .tuple(fc.nat(1503), fc.nat(1503))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    await fc.assert(
      fc.asyncProperty(query, range, fc.boolean(), async (asked, [from, to], isDown) => {
        const wanted = scanAll(leaves, asked).filter((index) => index >= from && index < to)
        const hits = await found(asked, isDown ? "desc" : "asc", from, to)
        expect(hits).toEqual(isDown ? wanted.reverse() : wanted)
      }),
      { numRuns: 100 },
    )
  })

  test("goes on where it stopped, page by page", async () => {
    await fc.assert(
      fc.asyncProperty(
        query,
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        async (asked, isDown, rows) => {
          const order = isDown ? "desc" : "asc"
          let rest = { from: 0, to: leaves.length }
          const hits: number[] = []
          while (rest.from < rest.to) {
            const answer = await indexed.answering.search({
              query: asked,
              ...rest,
              order,
              rows,
              ...budget,
              bytes: 3000,
            })
            expect(answer.rest.to - answer.rest.from).toBeLessThan(rest.to - rest.from)
            rest = answer.rest
            hits.push(...answer.hits.map(({ index }) => index))
          }
          const wanted = scanAll(leaves, asked)
          expect(hits).toEqual(isDown ? wanted.reverse() : wanted)
        },
      ),
      { numRuns: 20 },
    )
  })

  test("counts what a scan counts, by time and by value", async () => {
    const since = fc.option(
      fc.nat(3_000_000).map((us) => start + us),
      { nil: undefined },
    )
    await fc.assert(
      fc.asyncProperty(
        query,
        since,
        since,
        fc.constantFrom(1_000_000, 3_600_000_000),
        async (asked, a, b, interval) => {
          const times = {
            ...(a === undefined ? {} : { since: a }),
            ...(b === undefined ? {} : { until: b }),
          }
          const wanted = scanAll(leaves, asked).filter((index) => {
            const received = Number(/\d+/.exec(Buffer.from(leaves[index]!).toString())?.[0])
            return (a === undefined || received >= a) && (b === undefined || received < b)
          })
          const question = { query: asked, from: 0, to: leaves.length, ...times, ms: 60_000 }
          const { buckets, examined } = await indexed.answering.histogram({ ...question, interval })
          expect(examined).toEqual({ from: 0, to: leaves.length })
          const counted = new Map<number, number>()
          const outcomes = new Map<string, number>()
          for (const index of wanted) {
            const [stamp = "", json = ""] = Buffer.from(leaves[index]!).toString().split("\n")
            const bucket = Math.floor(JSON.parse(stamp).r / interval) * interval
            counted.set(bucket, (counted.get(bucket) ?? 0) + 1)
            const { outcome } = JSON.parse(json)
            if (typeof outcome === "string") outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
          }
          expect(new Map(buckets.map(({ from, count }) => [from, count]))).toEqual(counted)
          const { fields, count } = await indexed.answering.facets({
            ...question,
            fields: ["outcome"],
            top: 20,
          })
          expect(count).toBe(wanted.length)
          expect(new Map(fields.outcome?.map((one) => [one.value, one.count]))).toEqual(outcomes)
        },
      ),
      { numRuns: 60 },
    )
  })

  test("completes values, the most frequent first", async () => {
    const values = await indexed.answering.values("actor", "user/a", 10)
    expect(values.map(({ value }) => value).sort()).toEqual(["user/a/b", "user/alice"])
    for (const { value, count } of values) {
      expect(scanAll(leaves, parseQuery(`actor:"${value}"`)).length).toBeGreaterThanOrEqual(count)
    }
  })

  test("answers nothing of what it has not", async () => {
    const asked = { query: parseQuery(""), from: 0, to: leaves.length + 5, rows: 9, ...budget }
    const down = await indexed.answering.search({ ...asked, order: "desc" })
    expect(down).toEqual({ hits: [], rest: { from: 0, to: leaves.length + 5 } })
    const up = await indexed.answering.search({ ...asked, order: "asc", from: leaves.length - 3 })
    expect(up.hits.length).toBe(3)
    expect(up.rest).toEqual({ from: leaves.length, to: leaves.length + 5 })
  })
})
