import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8 } from "../base/index.ts"
import { formatStamp, parseEntry, parseTime } from "../event/index.ts"
import { matches } from "./matches.ts"
import { mayMatch } from "./may-match.ts"
import { formatNetwork, isInNetwork } from "./network.ts"
import { parseQuery } from "./parse-query.ts"
import { anyEvent, anyQuery, spell } from "./query.test.support.ts"
import type { Bound, Query, Test } from "./query.ts"

const nonce = new Uint8Array(16)
const place = { index: 7, writer: "spiffe://corp/billing" }
const event = {
  id: "01JD9Z6P7Q",
  time: "2026-11-22T12:00:00.123Z",
  source: "app://billing",
  action: "invoice.deleted",
  outcome: "success",
  actor: { type: "user", id: "alice", name: "Alice B." },
  targets: [
    { type: "invoice", id: "4711" },
    { type: "file", id: "a/b", size: 2048 },
  ],
  origin: { ip: "10.1.2.3" },
  data: {
    note: "Zürich, naïve",
    ticket: "INC-4711",
    n: 250,
    ratio: 0.5,
    text: "250",
    ok: true,
    gone: null,
    empty: [],
    list: [1, [2, { deep: "x" }]],
    "a.b/c": "dotted",
    last: "Export DONE today",
  },
}
const leafOf = (json: string, received = 1_000_000, open = 3): Uint8Array => {
  const stamp = formatStamp({ received, open, sequence: 0, nonce, changed: 0 })
  return encodeUtf8(`${stamp}\n${json}`)
}
const leaf = leafOf(JSON.stringify(event))
/** The verdict; that the look at the bytes never contradicts it is checked on the way. */
const judge = (text: string, at = leaf): boolean => {
  const query = parseQuery(text)
  const verdict = matches(query, parseEntry(at), place)
  if (verdict) expect(mayMatch(query, at)).toBe(true)
  return verdict
}

describe("matches", () => {
  test.each([
    ...["", "*", "action:invoice.deleted", "action:invoice.*", "action:*", "outcome:succ*"],
    ...[
      "source:app://*",
      "id:01JD9Z6P7Q",
      "actor:alice",
      "actor:al*",
      "actor:user/alice",
      "actor:user/*",
    ],
    ...["actor:us*", 'actor.name:"Alice B."', "actor.type:user", "target:4711", "target:invoice"],
    ...[
      "target:invoice/4711",
      "target:invoice/47*",
      "target:file/a/b",
      "target:a/*",
      "target.size:2048",
    ],
    ...[
      "targets.type:file",
      "targets.size:>=2048",
      "writer:spiffe://corp/*",
      "index:7",
      "stream:3",
    ],
    ...[
      "index:[5 TO 7]",
      "stream:<4",
      "received:1970",
      "received:1970-01-01T00:00:01Z",
      "received:>=1970-01-01",
    ],
    ...[
      "received:<1970-01-01T00:00:01.000001Z",
      "time:2026-11-22",
      "time:2026-11-22T13:00:00.123+01:00",
    ],
    ...[
      "time:{2026-11-21 TO 2026-11-23}",
      "data.ticket:INC-*",
      "data.n:250",
      "data.n:250.0",
      "data.n:2.5e2",
    ],
    ...["data.n:>249", "data.n:[250 TO 250]", "data.ratio:<1", "data.text:>249", "data.text:250"],
    ...[
      "data.ok:true",
      "data.gone:null",
      "data.gone:*",
      "data:*",
      "data.list:2",
      "data.list.deep:x",
    ],
    ...[
      'data."a.b/c":dotted',
      "data.ticket:>INC",
      "data.ticket:[INC-4 TO INC-5]",
      "origin.ip:10.0.0.0/8",
    ],
    ...[
      "export",
      '"export done"',
      '"EXPORT DONE TODAY"',
      "expo*",
      '"export do"*',
      "zürich",
      "inc-4711",
    ],
    ...[
      "ticket",
      "2048",
      "true",
      "null",
      "0",
      "NOT bob",
      "-bob alice",
      "outcome:(denied OR success)",
    ],
    ...["data.list:(1 AND 2)", "NOT data.none:*", "*  -outcome:denied"],
  ])("an entry that fits %s", (text) => {
    expect(judge(text)).toBe(true)
  })

  test.each([
    ...["NOT *", "action:invoice", "action:invoice.deleted.x", "outcome:denied", "source:APP://*"],
    ...[
      "id:01jd9z6p7q",
      "actor:user",
      "actor:Alice",
      "actor:4711",
      "target:alice",
      "target:file/4711",
    ],
    ...["target:47", "writer:spiffe://corp/other", "index:8", "stream:>3", "received:>1970"],
    ...["received:<1970-01-01T00:00:01Z", "time:<2026-11-22", "time:>2026-11-22", "data.n:251"],
    ...[
      'data.n:">25x"',
      "data.n:>250",
      "data.n:2*",
      "data.none:*",
      "data.empty:*",
      "data.ticket:inc-4711",
    ],
    ...[
      "data.note.x:*",
      "data.constructor:*",
      "data.__proto__:*",
      "origin.ip:11.0.0.0/8",
      "data.ticket:>5",
    ],
    ...['"done export"', "expor", '"export done tod"', "ZÜRICH", "billing bob", "r", "received"],
    ...['"alice invoice"', '"deleted success"', "data.ok:TRUE"],
  ])("not an entry that does not fit %s", (text) => {
    expect(judge(text)).toBe(false)
  })

  test("no test on the writer where the writer is not known", () => {
    const entry = parseEntry(leaf)
    expect(matches(parseQuery("writer:*"), entry, { index: 7, writer: undefined })).toBe(false)
  })

  test("nothing of the wrong type, and never throws", () => {
    for (const odd of [null, 5, "alice", [], ["alice"], [null], { id: 5 }, [{ type: 5, id: 5 }]]) {
      const oddLeaf = leafOf(JSON.stringify({ ...event, actor: odd, targets: odd }))
      expect(judge("actor:a*", oddLeaf)).toBe(false)
      expect(judge("target:a*", oddLeaf)).toBe(false)
    }
  })

  test("takes events that nest deeper than any port would have them", () => {
    const deep = leafOf(`{"data":${"[".repeat(20_000)}1${"]".repeat(20_000)}}`)
    expect(judge("data:1", deep)).toBe(true)
    expect(judge("1", deep)).toBe(true)
  })

  test("says what a plain reading of the specification says", () => {
    const held = new Map<string, number>()
    const choices = fc.array(fc.boolean(), { minLength: 1, maxLength: 9 })
    const received = fc.constantFrom(0, 1, 1_000_000, 1_500_000, 86_400_000_000)
    fc.assert(
      fc.property(
        anyQuery,
        anyEvent,
        choices,
        received,
        fc.nat(12),
        (query, made, choice, at, n) => {
          const json = spell(made, choice)
          const bytes = leafOf(json, at, n)
          const entry = parseEntry(bytes)
          const here = { index: n, writer: n % 2 === 0 ? "a" : undefined }
          const verdict = matches(query, entry, here)
          expect(verdict).toBe(
            model(query, { json, event: entry.event, received: at, open: n, ...here }),
          )
          if (verdict) expect(mayMatch(query, bytes)).toBe(true)
          for (const kind of kindsOf(query)) {
            const key = `${kind} ${verdict}`
            held.set(key, (held.get(key) ?? 0) + 1)
          }
        },
      ),
      { numRuns: 6000 },
    )
    for (const kind of ["equals", "prefix", "range", "network", "words", "and", "or", "not"]) {
      expect(held.get(`${kind} true`) ?? 0, kind).toBeGreaterThan(20)
      expect(held.get(`${kind} false`) ?? 0, kind).toBeGreaterThan(20)
    }
  })
})

interface Told {
  readonly json: string
  readonly event: Readonly<Record<string, unknown>>
  readonly received: number
  readonly open: number
  readonly index: number
  readonly writer: string | undefined
}

/** docs/spec/query.md, read once more: by lists of values, without looking at bytes, and slowly. */
function model(query: Query, told: Told): boolean {
  if (query.kind === "all") return true
  if (query.kind === "not") return !model(query.part, told)
  if ("parts" in query) {
    const holding = query.parts.filter((part) => model(part, told)).length
    return holding >= (query.kind === "and" ? query.parts.length : 1)
  }
  if (query.kind === "words") {
    const wanted = ` ${query.words.join(" ")}${query.begun ? "" : " "}`
    return modelTexts(told.json).some((text) => {
      const lower = [...text].map((char) => (char < "\x80" ? char.toLowerCase() : char)).join("")
      return ` ${lower
        .split(/[^a-z0-9_\u0080-\uffff]+/)
        .filter(Boolean)
        .join(" ")} `.includes(wanted)
    })
  }
  const name = query.path.join(".")
  return modelValues(name, query.path, told).some((value) => modelTest(name, query.test, value))
}

function modelTexts(json: string): string[] {
  return [...json.matchAll(/"(?:[^"\\]|\\.)*"|[-+.\w]+/g)].map(([text]) =>
    text.startsWith('"') ? (JSON.parse(text) as string) : text,
  )
}

function modelValues(name: string, path: readonly string[], told: Told): unknown[] {
  const { event: said } = told
  if (name === "writer") return told.writer === undefined ? [] : [told.writer]
  if (name === "received") return [told.received]
  if (name === "stream") return [told.open]
  if (name === "index") return [told.index]
  const parties = name === "actor" ? [said.actor] : name === "target" ? said.targets : undefined
  if (parties === undefined) {
    return path.reduce<unknown[]>(
      (values, key) =>
        values.flatMap((value) => {
          const isObject = typeof value === "object" && value !== null
          return isObject && Object.keys(value).includes(key)
            ? [(value as Record<string, unknown>)[key]].flat(99)
            : []
        }),
      [said],
    )
  }
  return (parties as unknown[]).flatMap((party) => {
    const { type, id } = (party ?? {}) as Record<string, unknown>
    const isId = typeof id === "string"
    const isType = typeof type === "string"
    const own = name === "target" && isType ? [type] : []
    return [...own, ...(isId ? [id] : []), ...(isId && isType ? [`${type}/${id}`] : [])]
  })
}

function modelTest(name: string, test: Test, value: unknown): boolean {
  if (test.kind === "equals") {
    if (typeof value === "number") return /^-?\d/.test(test.text) && Number(test.text) === value
    return typeof value !== "object" || value === null ? String(value) === test.text : false
  }
  if (test.kind === "prefix") {
    return test.text === "" || (typeof value === "string" && value.indexOf(test.text) === 0)
  }
  if (test.kind === "network") {
    const base = formatNetwork(test.network)
    return (
      typeof value === "string" &&
      /[.:]/.test(value) &&
      isInNetwork(value, test.network) &&
      base !== ""
    )
  }
  const isInstant = name === "received" || name === "time"
  const { from, to } = test
  const above = from === undefined || modelOrder(isInstant, value, from, test, -1)
  return above && (to === undefined || modelOrder(isInstant, value, to, test, 1))
}

/** Whether the value is on the inner side of a bound. @param side -1 for the lower bound */
function modelOrder(
  isInstant: boolean,
  value: unknown,
  bound: Bound,
  { from, to }: { from: Bound | undefined; to: Bound | undefined },
  side: -1 | 1,
): boolean {
  if (isInstant) {
    const instant = typeof value === "string" ? parseTime(value) : value
    const [first, last] = modelPeriod(bound.text)
    if (typeof instant !== "number") return false
    if (side < 0) return bound.isInclusive ? instant >= first : instant > last
    return bound.isInclusive ? instant <= last : instant < first
  }
  const isNumber = (text: string) => /^-?\d+(\.\d+)?(e\d+)?$/.test(text)
  const isNumeric = [from, to].every((one) => one === undefined || isNumber(one.text))
  let order: number
  if (isNumeric) {
    const number = typeof value === "string" && isNumber(value) ? Number(value) : value
    if (typeof number !== "number") return false
    order = number - Number(bound.text)
  } else {
    if (typeof value !== "string") return false
    order = Buffer.compare(Buffer.from(value), Buffer.from(bound.text))
  }
  return order === 0 ? bound.isInclusive : Math.sign(order) === -side
}

/** First and last microsecond. */
function modelPeriod(text: string): [number, number] {
  const instant = parseTime(text)
  if (instant !== undefined) return [instant, instant]
  const start = Date.parse(text)
  const end = new Date(start)
  if (text.length === 4) end.setUTCFullYear(end.getUTCFullYear() + 1)
  if (text.length === 7) end.setUTCMonth(end.getUTCMonth() + 1)
  if (text.length === 10) end.setUTCDate(end.getUTCDate() + 1)
  return [start * 1000, end.getTime() * 1000 - 1]
}

function kindsOf(query: Query): string[] {
  if (query.kind === "field") return [query.test.kind]
  if (query.kind === "not") return ["not", ...kindsOf(query.part)]
  if ("parts" in query) return [query.kind, ...query.parts.flatMap(kindsOf)]
  return [query.kind]
}
