import { encodeUtf8, limits } from "@postern/log/base"
import { rowField } from "@postern/log/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { makePatterns, type WriterGrant } from "../access/index.ts"
import { Examination } from "./examination.ts"
import { memory, regionOf } from "./sequencer/placing.test.support.ts"

const examination = new Examination(memory)

function grantOf(
  some: Partial<WriterGrant> & { source?: string[]; action?: string[] },
): WriterGrant {
  const { source = ["*"], action = ["*"], ...rest } = some
  return {
    id: "w",
    adapters: new Set(["postern"]),
    sources: makePatterns(source),
    actions: makePatterns(action),
    eventsPerSecond: undefined,
    bytesPerSecond: undefined,
    eventBytesMax: limits.entryBytesMax,
    internal: false,
    ...rest,
  }
}

function eventOf(members: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const required = { id: "1", time: "2026-11-22T12:00:00Z", source: "app://a", action: "a.b" }
  const rest = { outcome: "success", actor: { type: "user", id: "u" }, targets: [] }
  return encodeUtf8(JSON.stringify({ ...required, ...rest, ...members }))
}

/** What was handed over: digests of 43 times the same capital letter. */
const isHeld = (digest: string) => /^([A-Z])\1{42}$/.test(digest)

function load(events: readonly Uint8Array[]): void {
  const region = regionOf(events)
  memory.core.memory.set(region, memory.body)
  const { body } = memory
  expect(examination.split(body, body + region.length, events.length)).toBe(true)
}

/** The code of each event, undefined for those that are taken. */
function judge(events: readonly Uint8Array[], grant: WriterGrant): (string | undefined)[] {
  load(events)
  const bad = examination.judge(events.length, grant, isHeld)
  const codes = new Array<string | undefined>(events.length).fill(undefined)
  for (const { code, positions } of examination.refused(events.length)) {
    for (const position of positions) codes[position] = code
  }
  expect(bad).toBe(codes.filter((code) => code !== undefined).length)
  return codes
}

describe("a region", () => {
  test("is exactly as many events as it says", () => {
    const region = regionOf([eventOf(), eventOf()])
    memory.core.memory.set(region, memory.body)
    const { body } = memory
    for (const [end, count] of [
      [-1, 2],
      [0, 1],
      [0, 3],
      [-4, 2],
    ] as const) {
      expect(examination.split(body, body + region.length + end, count)).toBe(false)
    }
    expect(examination.split(body, body + region.length, 2)).toBe(true)
  })
})

describe("a grant", () => {
  test("covers sources and actions by value or by prefix", () => {
    const grant = grantOf({ source: ["app://a", "db://*"], action: ["x.y", "login.*"] })
    const events: [object, string | undefined][] = [
      [{ source: "app://a", action: "x.y" }, undefined],
      [{ source: "db://", action: "login." }, undefined],
      [{ source: "db://main", action: "login.failed" }, undefined],
      [{ source: "app://ab", action: "x.y" }, "EVENT_SOURCE_NOT_GRANTED"],
      [{ source: "app://", action: "x.y" }, "EVENT_SOURCE_NOT_GRANTED"],
      [{ source: "app://a", action: "x.yz" }, "EVENT_ACTION_NOT_GRANTED"],
      [{ source: "app://a", action: "logi" }, "EVENT_ACTION_NOT_GRANTED"],
      [{ source: "b", action: "c" }, "EVENT_SOURCE_NOT_GRANTED"],
    ]
    const codes = judge(
      events.map(([members]) => eventOf(members as Record<string, unknown>)),
      grant,
    )
    expect(codes).toEqual(events.map(([, code]) => code))
  })

  test("agrees with the access list's own patterns", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), minLength: 1, maxLength: 5 })
    const pattern = fc.tuple(text, fc.boolean()).map(([of, isPrefix]) => (isPrefix ? `${of}*` : of))
    const patterns = fc.array(pattern, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(patterns, fc.array(text, { minLength: 1, maxLength: 9 }), (source, sources) => {
        const grant = grantOf({ source })
        const codes = judge(
          sources.map((of) => eventOf({ source: of })),
          grant,
        )
        const wanted = sources.map((of) =>
          grant.sources.covers(of) ? undefined : "EVENT_SOURCE_NOT_GRANTED",
        )
        expect(codes).toEqual(wanted)
      }),
    )
  })

  test("of one writer is forgotten with the next one's batch", () => {
    const [a, b] = [grantOf({ source: ["app://a"] }), grantOf({ source: ["app://b"] })]
    const events = [eventOf({ source: "app://a" }), eventOf({ source: "app://b" })]
    const no = "EVENT_SOURCE_NOT_GRANTED"
    for (let i = 0; i < 3; i++) {
      expect(judge(events, a)).toEqual([undefined, no])
      expect(judge(events, b)).toEqual([no, undefined])
    }
  })

  test("may be as long as an access list can make it", () => {
    const numbered = (text: string, bytes: number) =>
      Array.from({ length: 1000 }, (_, i) => `${text}${i}`.padEnd(bytes, "x"))
    const grant = grantOf({
      source: numbered("app://", 255).map((of) => `${of}*`),
      action: numbered("a.", 128).map((of) => `${of}*`),
    })
    const last = {
      source: grant.sources.texts[999]?.slice(0, -1),
      action: grant.actions.texts[999]?.slice(0, -1),
    }
    expect(judge([eventOf(last), eventOf({ ...last, source: "app://" })], grant)).toEqual([
      undefined,
      "EVENT_SOURCE_NOT_GRANTED",
    ])
  })

  test("bounds an event's size", () => {
    const [small, large] = [eventOf(), eventOf({ reason: { text: "x".repeat(100) } })]
    const codes = judge([small, large], grantOf({ eventBytesMax: small.length }))
    expect(codes).toEqual([undefined, "EVENT_TOO_LARGE"])
  })
})

describe("actions under postern.", () => {
  const actions = [
    "postern.read",
    "postern.tail.opened",
    "postern.refused",
    "postern.",
    "posternx.a",
  ]

  test("are refused from everybody, whatever the grant says", () => {
    const events = actions.map((action) => eventOf({ action }))
    const no = "EVENT_SELF_ACTION"
    expect(judge(events, grantOf({}))).toEqual([no, no, no, no, undefined])
    expect(judge(events, grantOf({ action: ["postern.*"] }))).toEqual([
      no,
      no,
      no,
      no,
      "EVENT_ACTION_NOT_GRANTED",
    ])
  })

  test("are all that the reader process may write, and not all of them", () => {
    const no = "EVENT_ACTION_NOT_GRANTED"
    const granted = [
      "postern.read",
      "postern.tail.opened",
      "postern.tail.closed",
      "postern.evidence",
      "postern.access.applied",
    ]
    const others = ["postern.read.x", "postern.refused", "postern.started", "a.b"]
    const events = [...granted, ...others].map((action) => eventOf({ action }))
    const codes = judge(events, grantOf({ internal: true, action: ["postern.*"] }))
    expect(codes).toEqual([...granted.map(() => undefined), ...others.map(() => no)])
  })
})

describe("an event that names digests", () => {
  const digest = (letter: string) => letter.repeat(43)

  test("is taken if all of them were handed over, and nothing else is wrong", () => {
    const grant = grantOf({ actions: makePatterns(["a.*"]) })
    const named = (...digests: unknown[]) => eventOf({ _sd: digests })
    const many = Array.from({ length: 65 }, (_, i) => digest(String.fromCharCode(0x100 + i)))
    const events = [
      named(digest("A"), digest("B")),
      named(digest("A"), digest("a")),
      named(),
      named(digest("A"), digest("A")),
      named(7),
      named(...many),
      eventOf({ _sd: [digest("A")], action: "b.c" }),
      eventOf({ _sd: [digest("A")], action: "postern.x" }),
      eventOf({ data: { _sd: [digest("a")] } }),
    ]
    const refused = "EVENT_DISCLOSURE"
    expect(judge(events, grant)).toEqual([
      ...[undefined, refused, refused, refused, refused, refused],
      ...["EVENT_ACTION_NOT_GRANTED", "EVENT_SELF_ACTION", undefined],
    ])
  })

  test("does not make the port look for more than a batch may name", () => {
    const all = Array.from({ length: 1_100 }, (_, i) => String(i).padStart(43, "x"))
    load(all.map((one) => eventOf({ _sd: [one] })))
    let looks = 0
    const bad = examination.judge(all.length, grantOf({}), () => {
      looks += 1
      return true
    })
    expect([looks, bad]).toEqual([1_000, 100])
  })
})

describe("a body", () => {
  test("has its events judged so that what is accepted certainly fits an entry", () => {
    const sure = limits.entryBytesMax - limits.stampBytesMax - 1
    const padding = (bytes: number) => {
      const event = eventOf({ reason: { x: "" } })
      return eventOf({ reason: { x: "y".repeat(bytes - event.length) } })
    }
    const events = [padding(sure), padding(sure + 1), encodeUtf8("{}")]
    load(events)
    examination.judgeBody(3, grantOf({}), [2], isHeld)
    expect(examination.refused(3)).toEqual([{ code: "EVENT_TOO_LARGE", positions: [1, 2] }])
  })

  test("keeps its good rows, moved up, those that are wanted", () => {
    const events = ["a", "b", "c", "d", "e"].map((id) => eventOf({ id }))
    events[1] = encodeUtf8("no json")
    load(events)
    examination.judge(5, grantOf({}), isHeld)
    const asked: number[] = []
    const kept = examination.compact(5, (row) => {
      asked.push(row)
      return row !== 2
    })
    expect(kept).toBe(3)
    expect(asked).toEqual([0, 2, 3, 4])
    const ids = [0, 1, 2].map((row) => Buffer.from(examination.bytes(row, rowField.id)).toString())
    expect(ids).toEqual(["a", "d", "e"])
  })

  test("is compared without the time that the port may have filled in", () => {
    const two = ["2026-11-22T12:00:00Z", "2027-01-01T00:00:00.123Z"].map((time) =>
      eventOf({ time }),
    )
    load(two)
    examination.judge(2, grantOf({}), isHeld)
    const contents = (changed: number) =>
      [0, 1].map((row) => {
        const { at, end } = examination.content(row, changed)
        return Buffer.from(memory.core.memory.subarray(at, end)).toString()
      })
    const [asSent, asSentLater] = contents(0)
    expect(asSent).toBe(Buffer.from(two[0] ?? "").toString())
    expect(asSentLater).not.toBe(asSent)
    const [filled, filledLater] = contents(1)
    expect(filled).toBe(filledLater)
    expect(filled).toContain('"time":""')
    const [wrapped, wrappedLater] = contents(2)
    expect([wrapped, wrappedLater]).toEqual([filled, filled])
  })
})
