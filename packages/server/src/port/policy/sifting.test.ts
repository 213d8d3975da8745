import { createHmac } from "node:crypto"
import { encodeUtf8, sha256 } from "@postern/log/base"
import { rowBytes, rowField, verdicts } from "@postern/log/core"
import { disclosureDigest, encodeDisclosure } from "@postern/log/event"
import fc from "fast-check"
import { beforeEach, describe, expect, test } from "vitest"
import { decide, keepEverything, parsePolicy, startingPolicy } from "../../policy/rules/index.ts"
import { openSieve, type SieveWorld } from "../../policy/sieve/index.ts"
import { load, memory } from "../sequencer/placing.test.support.ts"
import { RowEvent } from "./row-event.ts"
import { Sifting } from "./sifting.ts"

const keys: SieveWorld = {
  mac(parts) {
    const mac = createHmac("sha256", "key")
    for (const [i, part] of parts.entries()) mac.update(i > 0 ? "\0" : "").update(part)
    return { kid: "0badcafe", digest: mac.digest("base64url") }
  },
  keepOut(under, name, value, item, at) {
    const salt =
      Buffer.from(sha256(item)).toString("base64url").slice(0, 18) + `${at}`.padStart(6, "0")
    const json = encodeDisclosure(salt, name, value)
    const pseudonym = "subject" in under ? `p1:${under.subject}` : undefined
    return { json, digest: disclosureDigest(json), pseudonym }
  },
}

let now = 0
let sifting: Sifting
beforeEach(() => {
  now = 1_764_000_000_000
  sifting = new Sifting({ memory, keys, now: () => now })
})

const token = ["ghp", "_0123456789abcdefABCDEF0123456789abcd"].join("")
const base = {
  id: "e-1",
  time: "2026-11-22T12:00:00Z",
  source: "app://billing",
  action: "invoice.paid",
  outcome: "success",
  actor: { type: "user", id: "alice" },
  targets: [{ type: "invoice", id: "4711" }],
}
const eventOf = (more: object = {}) => encodeUtf8(JSON.stringify({ ...base, ...more }))
const batch = (events: readonly Uint8Array[], more: object = {}) => {
  load(events)
  memory.core.scan(memory.rows, events.length)
  const count = events.length
  return { count, writer: "w", adapter: "postern", changed: 0, ...more } as const
}

interface Row {
  readonly verdict: number
  readonly changed: number
  readonly event: string
}

function rowsOf(count: number): Row[] {
  const { core, rows } = memory
  const view = new DataView(core.memory.buffer, core.memory.byteOffset)
  return Array.from({ length: count }, (_, row) => {
    const at = rows + row * rowBytes
    const from = view.getUint32(at + rowField.offset, true)
    const length = view.getUint32(at + rowField.length, true)
    return {
      verdict: view.getUint32(at + rowField.verdict, true),
      changed: view.getUint8(at + rowField.changed),
      event: Buffer.from(core.memory.subarray(from, from + length)).toString(),
    }
  })
}

const policies = {
  starting: startingPolicy(),
  mixed: `
rules:
  - { name: drop, match: { class: read, source: "app://a*" }, level: drop }
  - { name: by-actor, match: { actor: "service:*", action: ["x.get", "x.put"] }, level: metadata }
  - { name: severe, match: { severity: [high, "low*"] }, level: request }
  - name: people
    match: { action: "person.*" }
    level: full
    transforms:
      - { at: /data/**/email, do: hmac }
      - { at: /data/name, do: personal }
      - { at: /targets/*/id, do: tokenise }
  - { name: small, match: { size: { max: 230 } }, level: full }
  - { name: tenants, match: { tenant: t1 }, level: metadata }
detect: { secrets: redact }
`,
  plain:
    "rules:\n  - { name: some, match: { action: person.seen }, level: request }\n  - { name: all, level: full }\n",
}

const texts = fc.constantFrom("a", "alice@example.com", token, "p\\u0061ss", "x".repeat(300), "")
const data = fc.record(
  { email: texts, name: texts, note: texts, deep: fc.record({ email: texts, password: texts }) },
  { requiredKeys: [] },
)
const anyEvent = fc
  .record(
    {
      id: fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }),
      source: fc.constantFrom("app://a1", "app://b", "app://a2"),
      action: fc.constantFrom("x.get", "x.put", "person.seen", "person.changed", "user.login"),
      outcome: fc.constantFrom("success", "denied"),
      actor: fc.record({ type: fc.constantFrom("user", "service"), id: fc.constantFrom("a", "b") }),
      severity: fc.constantFrom("high", "lowest", "none"),
      tenant: fc.constantFrom("t1", "t2"),
      ...{ data, request: data, response: data },
    },
    { requiredKeys: ["id", "source", "action", "outcome", "actor"] },
  )
  .map((more) => encodeUtf8(JSON.stringify({ ...base, ...more }).replaceAll("\\\\u", "\\u")))

describe("what the rows say is what each event alone would say", () => {
  test.each(Object.entries(policies))("under the policy %s", (_name, text) => {
    const policy = parsePolicy(text)
    const sieve = openSieve(policy, keys, { shortLived: new Set() })
    sifting.use(policy, new Set())
    const adapters = fc.constantFrom("postern", "http", "kubernetes" as const)
    fc.assert(
      fc.property(
        fc.array(anyEvent, { minLength: 1, maxLength: 20 }),
        adapters,
        (events, adapter) => {
          for (const _again of [1, 2]) {
            const kept = sifting.sift(batch(events, { adapter }))
            const rows = rowsOf(events.length)
            let bytes = 0
            for (const [i, event] of events.entries()) {
              const { source, action, outcome } = JSON.parse(Buffer.from(event).toString())
              const at = memory.body
              memory.core.memory.set(event, at)
              const seen = new RowEvent(memory, at, event.length)
              const named = { writer: "w", adapter: adapter as "http", source, action, outcome }
              const decision = decide(policy, named, seen)
              const alone = sieve.sift(decision, adapter as "http", event)
              const expected =
                decision.level === "drop"
                  ? { verdict: verdicts.notKept, changed: 0, event: Buffer.from(event).toString() }
                  : {
                      verdict: 0,
                      changed: alone.bytes === undefined ? 0 : 4,
                      event: Buffer.from(alone.bytes ?? event).toString(),
                    }
              expect(rows[i]).toEqual(expected)
              if (expected.verdict === 0) bytes += Buffer.byteLength(expected.event)
            }
            expect(kept).toBe(bytes)
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

// Alone in a batch, so that nobody else has the core search for what they mention.
test.each([
  [
    "whose rule asks more than names",
    { action: "job.run", actor: { type: "service", id: "a" }, data: { a: 1 } },
  ],
  ["that may be repeats", { action: "report.read", response: { a: 1 } }],
])("events %s are looked at for what stands in them", (_which, more) => {
  const rules = `rules:
  - { name: services, match: { action: job.run, actor: "service:*" }, level: metadata }
  - { name: reports, match: { action: report.read }, level: request, deduplicate: 60 }
  - { name: all, level: full }
`
  sifting.use(parsePolicy(rules), new Set())
  for (const id of ["e-1", "e-2"]) {
    const note = { reason: { note: id } }
    sifting.sift(batch([eventOf({ ...more, ...note, id })]))
    expect(rowsOf(1)).toMatchObject([{ verdict: 0, changed: 4 }])
    sifting.placed(1, 0)
  }
  expect(sifting.sift(batch([eventOf({ ...more, action: "user.login" })]))).toBeGreaterThan(0)
})

test("nothing of an event is kept that the next one could write over", () => {
  const text = `rules:
  - { name: r, level: full, transforms: [{ at: /data/name, do: personal }, { at: /data/note, do: hmac }] }
`
  sifting.use(parsePolicy(text), new Set())
  sifting.sift(batch([eventOf({ data: { name: "ada", note: "é", more: [1] } })]))
  const before = JSON.stringify(rowsOf(1))
  memory.core.memory.fill(0x20, memory.body, memory.body + 1_000)
  expect(JSON.stringify(rowsOf(1))).toBe(before)
  const { sealed } = sifting.placed(1, 7)
  expect(sealed.map(({ json }) => Buffer.from(json).toString())).toEqual([
    expect.stringContaining('"name","ada"]'),
  ])
})

test("without a policy nothing is looked at", () => {
  sifting.use(parsePolicy(policies.mixed), new Set())
  sifting.use(keepEverything, new Set())
  const events = [eventOf({ action: "person.seen", data: { name: token } })]
  expect(sifting.sift(batch(events))).toBe(0)
  expect(rowsOf(1)).toMatchObject([{ verdict: 0, changed: 0 }])
  expect(sifting.placed(1, 7)).toEqual({ less: [], altered: [], sealed: [] })
})

describe("what belongs to entries", () => {
  test("is the same for two copies of an event, whatever time the port filled in", () => {
    const text = "rules: [{ name: r, level: full, transforms: [{ at: /data/name, do: personal }] }]"
    sifting.use(parsePolicy(text), new Set())
    const digestOf = (time: string, changed: number) => {
      sifting.sift(batch([eventOf({ time, data: { name: "ada" } })], { changed }))
      return sifting.placed(1, 0).sealed[0]?.digest
    }
    const [first, second] = ["2026-11-22T12:00:00.000Z", "2026-11-22T12:00:01.000Z"]
    for (const [changed, isSame] of [
      [0, false],
      [1, true],
      [2, true],
      [3, true],
    ] as const) {
      const [one, other] = [digestOf(first, changed), digestOf(second, changed)]
      expect([one?.length, one === other]).toEqual([43, isSame])
    }
  })

  test("gets the index that its entry has, past those that are refused or not kept", () => {
    sifting.use(parsePolicy(policies.mixed), new Set())
    const person = (name: string) => eventOf({ action: "person.seen", data: { name } })
    const events = [
      person("one"),
      encodeUtf8("{}"),
      eventOf({ action: "x.get", source: "app://a1" }),
      eventOf(),
      person("two"),
    ]
    sifting.sift(batch(events, { changed: 2 }))
    const { sealed, altered, less } = sifting.placed(events.length, 100)
    expect(sealed.map(({ index, under }) => [index, under])).toEqual([
      [100, { subject: "alice" }],
      [102, { subject: "alice" }],
    ])
    expect(altered.map(({ position, changed }) => [position, changed])).toEqual([
      [0, 6],
      [4, 6],
    ])
    expect(less).toContainEqual(
      expect.objectContaining({ rule: "drop", did: "dropped", position: 2 }),
    )
    expect(less.filter(({ did }) => did === "personal").map(({ position }) => position)).toEqual([
      0, 4,
    ])
  })

  test("an event that grows beyond an entry is refused by itself", () => {
    const text = "rules:\n  - { name: a, level: full, transforms: [{ at: /data/*, do: hmac }] }\n"
    sifting.use(parsePolicy(text), new Set())
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, 1]))
    sifting.sift(batch([eventOf(), eventOf({ data: many }), eventOf({ data: { a: 1 } })]))
    expect(rowsOf(3).map(({ verdict }) => verdict)).toEqual([0, verdicts.tooLarge, 0])
  })

  test("and so is what would go beyond the room for a batch", () => {
    const text = "rules:\n  - { name: a, level: full, transforms: [{ at: /data/*, do: hmac }] }\n"
    sifting.use(parsePolicy(text), new Set())
    const some = Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`${i}`, 1]))
    const events = Array.from({ length: 100 }, () => eventOf({ data: some }))
    const kept = sifting.sift(batch(events))
    const refused = rowsOf(100).filter(({ verdict }) => verdict === verdicts.tooLarge).length
    expect(refused).toBeGreaterThan(20)
    expect(refused).toBeLessThan(60)
    expect(kept).toBeLessThanOrEqual(memory.alteredBytes)
  })
})

describe("equal events", () => {
  const text =
    "rules:\n  - { name: a, level: full, deduplicate: 60 }\nclasses: { read: [invoice.paid] }\n"
  const verdictsOf = (events: readonly Uint8Array[], writer = "w") => {
    sifting.sift(batch(events, { writer }))
    return rowsOf(events.length).map(({ verdict }) => (verdict === 0 ? "kept" : "not"))
  }
  beforeEach(() => sifting.use(parsePolicy(text), new Set()))

  test("are kept once within the time, from one writer, whatever their ids and times", () => {
    const others = [1, 2].map((n) => eventOf({ id: `${n}`, time: "2026-11-22T12:00:01Z" }))
    expect(verdictsOf(others)).toEqual(["kept", "not"])
    sifting.placed(2, 0)
    expect(verdictsOf([eventOf({ data: { a: 1 } }), eventOf()])).toEqual(["kept", "not"])
    sifting.placed(2, 1)
    expect(verdictsOf([eventOf()], "other")).toEqual(["kept"])
    sifting.placed(1, 2)
    now += 61_000
    expect(verdictsOf([eventOf()])).toEqual(["kept"])
  })

  test("that found no room are as if they had not come", () => {
    expect(verdictsOf([eventOf()])).toEqual(["kept"])
    sifting.undo()
    expect(verdictsOf([eventOf()])).toEqual(["kept"])
    sifting.placed(1, 0)
    expect(verdictsOf([eventOf()])).toEqual(["not"])
  })

  test("of a mandatory class are all kept", () => {
    const events = [eventOf({ outcome: "denied" }), eventOf({ outcome: "denied" })]
    expect(verdictsOf(events)).toEqual(["kept", "kept"])
  })
})

test("names that are all different fill no memory and cost others nothing but time", () => {
  sifting.use(parsePolicy(policies.mixed), new Set())
  for (let turn = 0; turn < 12; turn++) {
    const events = Array.from({ length: 1000 }, (_, i) => eventOf({ action: `n.${turn}.${i}.get` }))
    sifting.sift(batch(events))
    now += 200
  }
  sifting.sift(batch([eventOf({ action: "x.get", source: "app://a1" })]))
  expect(rowsOf(1)[0]?.verdict).toBe(verdicts.notKept)
})

describe("counts", () => {
  const text = `
rules:
  - { name: reads, match: { class: read }, level: drop }
  - { name: alices, match: { actor: "user:*" }, level: request }
detect: { secrets: redact }
`
  const events = [
    eventOf({ action: "x.get" }),
    eventOf({ response: { a: "x".repeat(200) }, data: { note: token } }),
    eventOf(),
    encodeUtf8("{}"),
  ]

  test("say how many events each rule decided about, of batches that found their place", () => {
    sifting.use(parsePolicy(text), new Set())
    sifting.sift(batch(events))
    sifting.undo()
    expect(sifting.takeDecided()).toEqual(new Map())
    for (let turn = 0; turn < 2; turn++) {
      sifting.sift(batch(events))
      sifting.placed(events.length, 0)
    }
    const counts = { reads: 2, alices: 4 }
    expect(sifting.takeDecided()).toEqual(new Map(Object.entries(counts)))
    expect(sifting.takeDecided()).toEqual(new Map())
  })

  test("say by how much the log is shorter, once for each event, and what was found", () => {
    sifting.use(parsePolicy(text), new Set())
    sifting.sift(batch(events))
    const { less } = sifting.placed(events.length, 0)
    const [before, after] = [events[1]?.length ?? 0, rowsOf(2)[1]?.event.length ?? 0]
    expect(less.filter(({ position }) => position === 0)).toMatchObject([
      { rule: "reads", did: "dropped", saved: events[0]?.length },
    ])
    const second = less.filter(({ position }) => position === 1)
    expect(second.map(({ did }) => did).toSorted()).toEqual(["cut", "detected"])
    expect(second.reduce((sum, { saved }) => sum + saved, 0)).toBe(before - after)
    expect(second.flatMap(({ found }) => found)).toEqual(["github-token"])
  })
})
