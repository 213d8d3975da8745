import { encodeUtf8, equalBytes } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type ForeignEvent, formats, recognise, writeEvent } from "./index.ts"
import {
  defaults,
  formatNamed,
  originalOf,
  readEvents,
  verdictOf,
  world,
} from "./reading.test.support.ts"
import { parseObject, saidTwice } from "./record.ts"
import { samples } from "./samples.test.support.ts"

const names = [...formats.keys()]
const longRuns = process.env.LONG === undefined ? 1 : 50

/** Reads records, and holds what comes out against what must hold of any of them. */
function check(name: string, records: readonly Uint8Array[]): void {
  const decoder = formatNamed(name).open(world)
  const kept: string[] = []
  const give = (event: ForeignEvent): void => {
    const written = writeEvent(event, defaults)
    expect(verdictOf(written)).toBe("accepted")
    if (event.isEvent) {
      kept.push(Buffer.from(event.original).toString("latin1"))
      return
    }
    const original = originalOf(written, event.format)
    expect(equalBytes(original, event.original)).toBe(true)
    kept.push(Buffer.from(original).toString("latin1"))
    const value = parseObject(Buffer.from(written).toString("utf8"))
    // The original may say a member twice; what we write around it never does.
    if (value !== undefined) expect(Object.values(value.data as object)).not.toContain(saidTwice)
  }
  for (const record of records) {
    // The memory is somebody else's as soon as take() has returned.
    const lent = Buffer.from(record)
    decoder.take(lent, give)
    lent.fill(0x20)
  }
  decoder.end(give)
  const whole = kept.flatMap((text) => text.split("\n")).sort()
  const before = records
    .flatMap((record) => Buffer.from(record).toString("latin1").split("\n"))
    .sort()
  // Compared as one: to show how long lists of long texts differ takes minutes.
  if (name !== "cloudtrail") expect(whole.join("\n") === before.join("\n")).toBe(true)
}

describe.each(names)("%s", (name) => {
  const known = (samples[name] ?? []).map(encodeUtf8)

  test("keeps every record of its samples", () => {
    check(name, known)
    for (const other of Object.values(samples)) check(name, other.map(encodeUtf8))
  })

  test("keeps any bytes, and never throws", () => {
    const bytes = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 4 })
    fc.assert(
      fc.property(bytes, (records) => check(name, records)),
      { numRuns: 60 * longRuns },
    )
  })

  test("keeps its samples with some bytes changed, lost or doubled", () => {
    if (known.length === 0) return
    const place = fc.tuple(fc.nat({ max: 1 << 20 }), fc.integer({ min: 0, max: 255 }), fc.nat(3))
    const changes = fc.array(place, { minLength: 1, maxLength: 4 })
    const which = fc.nat({ max: known.length - 1 })
    fc.assert(
      fc.property(which, changes, (first, places) => {
        const records = known.slice(first, first + 3).map((record) => change(record, places))
        check(name, records)
      }),
      { numRuns: 200 * longRuns },
    )
  })

  test("keeps what is large, deep, cut, not UTF-8, or holds NUL", () => {
    const deep = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`
    const odd = [
      "x".repeat(100_000),
      `{"a":"${"y".repeat(100_000)}"}`,
      `<13>1 - h a p m [${"x".repeat(70_000)}`,
      `type=EXECVE msg=audit(1.2:3): ${"a1=41 ".repeat(20_000)}`,
      ...[30, 31, 33, 5000].map(deep),
      // What a careless pattern would go through once for each of its letters.
      `type=A msg=audit(1.2:3): ${"a".repeat(300_000)}`,
      `type=A msg=audit(1.2:3): exe=${"00".repeat(30_000)}31 cwd=${"41".repeat(200_000)}`,
      `type=A msg=audit(1.2:3):${" msg='".repeat(50_000)}`,
      `type=A msg=audit(1.2:3): ${'a="'.repeat(100_000)}`,
      `<13>1 - h a p m [x${" ".repeat(300_000)}`,
      `2026-11-23 10:00:00 UTC ${"user=".repeat(60_000)}LOG:  AUDIT: SESSION,`,
      `{"a":"${"\\\\".repeat(100_000)}"}`,
      "\u0000\u0000",
      '{"a":"\u0000"}',
      "{",
      "[",
      '"',
      "<",
    ]
    check(name, [...odd.map(encodeUtf8), Uint8Array.of(0x7b, 0xff, 0x7d), Uint8Array.of(0xc3)])
  })
})

type Change = readonly [number, number, number]

function change(record: Uint8Array, places: readonly Change[]): Uint8Array {
  let bytes = [...record]
  for (const [at, value, kind] of places) {
    const i = at % Math.max(1, bytes.length)
    // No line end: a record is without one.
    const byte = value === 0x0a ? 0x0b : value
    if (kind === 0) bytes[i] = byte
    else if (kind === 1) bytes.splice(i, 1 + (value % 7))
    else if (kind === 2) bytes.splice(i, 0, byte)
    else bytes = [...bytes.slice(0, i), ...bytes.slice(Math.max(0, i - 9))]
  }
  return Uint8Array.from(bytes.filter((byte) => byte !== 0x0a))
}

describe("what is written", () => {
  test("is a JSON object verbatim, if it is no deeper than an event can hold", () => {
    const texts = [30, 31].map(
      (levels) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)} }`,
    )
    const { events, foreign } = readEvents("json", texts)
    expect(foreign.map(({ isJson }) => isJson)).toEqual([true, false])
    expect(events[1]).toMatchObject({ action: "json.unreadable", data: { line: texts[1] } })
  })

  test("is an event as it came, as deep as an event may be", () => {
    const event = (levels: number) =>
      `{"action":"a.b","actor":{"type":"user","id":"u"},"targets":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`
    const party = (text: string) =>
      text.replace('"targets":[', '"data":{"a":[').replace(/}$/, '},"targets":[]}')
    const { foreign } = readEvents(
      "json",
      [31, 32].map((levels) => party(event(levels))),
    )
    expect(foreign.map(({ isEvent }) => isEvent)).toEqual([true, undefined])
  })

  test("names a member that the record says twice as not said", () => {
    const { events } = readEvents("vault", [
      '{"type":"response","auth":{"display_name":"a","display_name":"b"},"request":{"id":"r","operation":"read","path":"p"},"error":"x","error":"y"}',
    ])
    expect(events[0]).toMatchObject({
      outcome: "unknown",
      actor: { type: "system", id: "unknown" },
    })
  })

  test("is a log file of CloudTrail itself, if there is no record in it", () => {
    for (const file of ['{"Records":[]}', ' { "Records" : [ ] } ']) {
      const { events, foreign } = readEvents("cloudtrail", [file])
      expect(events).toMatchObject([{ action: "cloudtrail.unreadable" }])
      expect(Buffer.from(foreign[0]?.original ?? []).toString()).toBe(file)
    }
  })

  test("goes as its digest where an id cannot stand in an event", () => {
    const ids = ['a"b', "x".repeat(129), "é".repeat(65), "\u0001"].map((eventID) =>
      JSON.stringify({ eventSource: "a", eventName: "b", eventID }),
    )
    for (const { id } of readEvents("cloudtrail", ids).events) {
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
    }
  })
})

test("the first records say what they are", () => {
  for (const [name, texts] of Object.entries(samples)) {
    const expected = name === "line" ? undefined : name
    expect(recognise(encodeUtf8(texts[0] as string))?.name).toBe(expected)
  }
  const never = [
    "sshd: Invalid user x LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,x,y",
    "x type=A msg=audit(1.2:3):",
  ]
  for (const text of never) expect(recognise(encodeUtf8(text))).toBeUndefined()
})
