import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { decodeUtf8, isPosternError, limits } from "../base/index.ts"
import {
  completeEvent,
  type EventInput,
  encodeEvent,
  eventBytesMax,
  writeEvent,
} from "./completion.ts"
import { outcomes } from "./event.ts"

interface EventVector {
  name: string
  verdict: string
  event?: string
}

const vectors: EventVector[] = JSON.parse(
  readFileSync(new URL("../../../../docs/spec/vectors/event.json", import.meta.url), "utf8"),
).events

const world = {
  now: new Date("2026-11-22T12:00:00.123Z"),
  id: () => "id-1",
  source: "app://billing",
  mayUseSelfActions: false,
}
const complete = (input: unknown) => completeEvent(input as EventInput, world)
const write = (input: unknown) => writeEvent(input as EventInput, world)
const least = { action: "invoice.deleted", actor: "alice" }

const errorOf = (input: unknown): { code: string; detail: string } => {
  try {
    complete(input)
  } catch (error) {
    if (isPosternError(error)) return { code: error.code, detail: error.detail ?? "" }
    throw error
  }
  return { code: "accepted", detail: "" }
}

describe("completeEvent", () => {
  test("fills what is not given and spells out shorthands", () => {
    expect(JSON.stringify(complete({ ...least, target: "invoice/4711" }))).toBe(
      '{"id":"id-1","time":"2026-11-22T12:00:00.123Z","source":"app://billing",' +
        '"action":"invoice.deleted","outcome":"unknown","actor":{"type":"user","id":"alice"},' +
        '"targets":[{"type":"invoice","id":"4711"}]}',
    )
  })

  test("keeps what is given and leaves undefined out", () => {
    const given = {
      id: "mine",
      time: "2026-01-01T00:00:00+01:00",
      source: "app://other",
      action: "a",
      outcome: "denied",
      actor: { type: "service", id: "billing", name: "Billing", role: 7 },
      targets: [],
      data: { a: undefined, b: 1 },
    }
    expect(complete({ ...given, tenant: undefined })).toEqual(given)
    expect(Object.keys(complete({ ...given, tenant: undefined }))).not.toContain("tenant")
  })

  test("does not change its input", () => {
    const input = Object.freeze({ ...least, targets: Object.freeze(["a/b"]) })
    expect(complete(input).targets).toEqual([{ type: "a", id: "b" }])
    expect(input.targets).toEqual(["a/b"])
  })

  test("asks for an id only where there is none", () => {
    const ids = { ...world, id: () => expect.fail("not needed") }
    expect(completeEvent({ ...least, id: "mine" }, ids).id).toBe("mine")
  })

  test("takes a Date for a time", () => {
    const date = new Date("2026-02-03T04:05:06.007Z")
    const event = complete({ ...least, time: date, sentAt: date })
    expect([event.time, event.sentAt]).toEqual(Array(2).fill("2026-02-03T04:05:06.007Z"))
  })

  test.each([
    ["invoice/4711", "invoice", "4711"],
    ["file/a/b", "file", "a/b"],
    ["4711", "unknown", "4711"],
    ["/etc/passwd", "unknown", "/etc/passwd"],
    ["invoice/", "unknown", "invoice/"],
    ["https://example.org/x", "unknown", "https://example.org/x"],
  ])("reads the target %s as type %s", (text, type, id) => {
    expect(complete({ ...least, target: text }).targets).toEqual([{ type, id }])
  })

  test("lets only those use postern. actions who may", () => {
    const input = { ...least, action: "postern.read" }
    expect(errorOf(input).code).toBe("EVENT_SELF_ACTION")
    expect(completeEvent(input, { ...world, mayUseSelfActions: true }).action).toBe("postern.read")
  })

  test.each([
    [{ actor: "a" }, "EVENT_MISSING_FIELD", "action"],
    [{ action: "a" }, "EVENT_MISSING_FIELD", "actor"],
    [null, "EVENT_SYNTAX", ""],
    ["a", "EVENT_SYNTAX", ""],
    [{ ...least, tagets: [] }, "EVENT_UNKNOWN_KEY", 'did you mean "targets"?'],
    [{ ...least, colour: "red" }, "EVENT_UNKNOWN_KEY", "under data"],
    [{ ...least, target: "a/b", targets: [] }, "EVENT_UNKNOWN_KEY", "beside"],
    [JSON.parse('{"action":"a","actor":"b","__proto__":{}}'), "EVENT_UNKNOWN_KEY", "__proto__"],
    [{ ...least, action: "Invoice Deleted" }, "EVENT_FIELD_VALUE", 'try "invoice.deleted"'],
    [{ ...least, action: "a".repeat(129) }, "EVENT_FIELD_VALUE", "128"],
    [{ ...least, action: 5 }, "EVENT_FIELD_TYPE", "not number"],
    [{ ...least, outcome: "failed" }, "EVENT_FIELD_VALUE", "did you mean failure?"],
    [{ ...least, outcome: "ok" }, "EVENT_FIELD_VALUE", "success, failure"],
    [{ ...least, time: "yesterday" }, "EVENT_FIELD_VALUE", "RFC 3339"],
    [{ ...least, time: new Date(Number.NaN) }, "EVENT_FIELD_VALUE", "Invalid Date"],
    [{ ...least, id: "" }, "EVENT_FIELD_VALUE", "1 to 128 bytes"],
    [{ ...least, id: "€".repeat(43) }, "EVENT_FIELD_VALUE", "1 to 128 bytes"],
    [{ ...least, id: 'a"b' }, "EVENT_FIELD_VALUE", "quotes"],
    [{ ...least, source: "a\\b" }, "EVENT_FIELD_VALUE", "backslashes"],
    [{ ...least, source: "\ud800" }, "EVENT_FIELD_VALUE", "surrogates"],
    [{ ...least, actor: "" }, "EVENT_FIELD_VALUE", "actor.id is empty"],
    [{ ...least, actor: null }, "EVENT_FIELD_TYPE", "not null"],
    [{ ...least, actor: { id: "a" } }, "EVENT_MISSING_FIELD", "actor.type"],
    [{ ...least, actor: { type: "user", id: 5 } }, "EVENT_FIELD_TYPE", "actor.id"],
    [{ ...least, targets: "a/b" }, "EVENT_FIELD_TYPE", "targets must be of type array"],
    [{ ...least, targets: ["a/b", { type: "x" }] }, "EVENT_MISSING_FIELD", "targets[1].id"],
    [{ ...least, targets: [[]] }, "EVENT_FIELD_TYPE", "targets[0]"],
    [{ ...least, data: [] }, "EVENT_FIELD_TYPE", "data must be of type object, not array"],
    [{ ...least, v: 2 }, "EVENT_VERSION", ""],
  ])("refuses %j with %s", (input, code, detail) => {
    const error = errorOf(input)
    expect(error.code).toBe(code)
    expect(error.detail).toContain(detail)
  })

  test("refuses what nests too deep, cycles included", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) })
    expect(errorOf({ ...least, data: nested(limits.eventDepthMax - 1) }).code).toBe("accepted")
    expect(errorOf({ ...least, data: nested(limits.eventDepthMax) }).code).toBe("EVENT_DEPTH")
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    expect(errorOf({ ...least, data: cycle }).code).toBe("EVENT_DEPTH")
  })

  test("keeps its error details short whatever it is given", () => {
    const long = "X".repeat(100_000)
    for (const input of [{ [long]: 1 }, { action: long }, { outcome: long }, { time: long }]) {
      expect(errorOf({ ...least, ...input }).detail.length).toBeLessThan(300)
    }
  })

  test("agrees with the vectors wherever the parsed event shows what the bytes did", () => {
    const filled = /^no (id|time|source|outcome|targets)$/
    const shorthand = new Set(["actor is a string"])
    let held = 0
    for (const { name, verdict, event } of vectors) {
      if (event === undefined || filled.test(name) || shorthand.has(name)) continue
      if (/SYNTAX|DUPLICATE|ESCAPED/.test(verdict) || / an? escaped? /.test(` ${name}`)) continue
      if (verdict === "EVENT_VERSION" && JSON.parse(event).v === 1) continue
      held += 1
      expect(`${name}: ${errorOf(JSON.parse(event)).code}`).toBe(`${name}: ${verdict}`)
      if (verdict === "accepted") expect(complete(JSON.parse(event))).toEqual(JSON.parse(event))
    }
    expect(held).toBeGreaterThan(80)
  })

  test("of anything is an event or a PosternError", () => {
    fc.assert(
      fc.property(fc.oneof(anyInput, fc.anything()), (value) => {
        expect(errorOf(value).code).toMatch(/^(accepted|EVENT_[A-Z_]+)$/)
      }),
      { numRuns: 1000 },
    )
  })
})

/** What an application may call an event; most of it is none. */
const anyInput = fc.record(
  {
    action: fc.oneof(fc.constant("a"), fc.anything()),
    actor: fc.oneof(fc.constant("a"), fc.anything()),
    target: fc.anything(),
    outcome: fc.oneof(fc.constantFrom(...outcomes), fc.anything()),
    time: fc.anything(),
    id: fc.anything(),
    data: fc.oneof(fc.object(), fc.anything()),
    v: fc.anything(),
  },
  { requiredKeys: [] },
)

describe("writeEvent", () => {
  const written = (input: unknown): string => {
    try {
      return write(input)
    } catch (error) {
      if (isPosternError(error)) return `${error.code} ${error.detail ?? ""}`
      throw error
    }
  }

  /** The same in two steps. */
  const expected = (input: unknown): string => {
    try {
      return decodeUtf8(encodeEvent(complete(input))) ?? ""
    } catch (error) {
      if (isPosternError(error)) return `${error.code} ${error.detail ?? ""}`
      throw error
    }
  }

  test("writes what completeEvent makes, and refuses what it refuses", () => {
    const target = fc.oneof(fc.string(), fc.record({ type: fc.string(), id: fc.string() }))
    const good = fc.record(
      {
        id: fc.string({ maxLength: 10 }),
        time: fc.constantFrom(new Date(0), new Date(1e15), new Date(NaN), "2026-01-01T00:00:00Z"),
        sentAt: fc.constantFrom(new Date(0), "x"),
        source: fc.string({ maxLength: 10 }),
        targets: fc.array(target),
        actor: fc.oneof(fc.string(), fc.object()),
        data: fc.object({ maxDepth: 5 }),
        labels: fc.dictionary(fc.string(), fc.string()),
        onBehalfOf: fc.array(fc.anything()),
        severity: fc.string(),
      },
      { requiredKeys: [] },
    )
    const input = fc.oneof(
      good.map((more) => ({ ...least, ...more })),
      anyInput,
      fc.anything(),
    )
    let accepted = 0
    fc.assert(
      fc.property(input, (value) => {
        const text = written(value)
        expect(text).toBe(expected(value))
        if (text.startsWith("{")) accepted += 1
      }),
      { numRuns: 2000 },
    )
    expect(accepted).toBeGreaterThan(50)
  })

  test("knows how deep an event may nest, however its members are nested", () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: [nested(levels - 1)] })
    const flat = { a: Array(100).fill({ b: "[{[{" }) }
    for (const [data, code] of [
      [nested((limits.eventDepthMax - 2) / 2), "{"],
      [nested(limits.eventDepthMax / 2), "EVENT_DEPTH"],
      [flat, "{"],
    ] as const) {
      expect(written({ ...least, data }).startsWith(code)).toBe(true)
      expect(written({ ...least, targets: [{ type: "a", id: "b", data }] })).toBe(
        expected({ ...least, targets: [{ type: "a", id: "b", data }] }),
      )
    }
  })

  test("refuses what cannot be written, and says what it is", () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    expect(written({ ...least, data: cycle })).toMatch("EVENT_DEPTH")
    expect(written({ ...least, data: { big: 1n } })).toMatch("EVENT_FIELD_VALUE")
  })

  test("leaves out what says itself that it is not to be written", () => {
    const data = { toJSON: () => undefined }
    expect(write({ ...least, data })).toBe(write(least))
  })
})

describe("encodeEvent", () => {
  test("writes JSON in UTF-8", () => {
    const event = complete({ ...least, data: { text: "é\u0000\ud800" } })
    const text = decodeUtf8(encodeEvent(event)) ?? ""
    expect(JSON.parse(text)).toEqual(event)
    expect(text).toContain("é\\u0000\\ud800")
  })

  test("gives each event bytes of its own, whatever is encoded after it", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 2000 })
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 60 }), (texts) => {
        const events = texts.map((a) => complete({ ...least, data: { a } }))
        const encoded = events.map(encodeEvent)
        expect(encoded.map(decodeUtf8)).toEqual(events.map((event) => JSON.stringify(event)))
      }),
    )
  })

  test("refuses what might not fit into an entry, and takes what always does", () => {
    const empty = encodeEvent(complete({ ...least, data: { a: "" } })).length
    const sized = (bytes: number) => complete({ ...least, data: { a: "x".repeat(bytes - empty) } })
    expect(encodeEvent(sized(eventBytesMax)).length).toBe(65_438)
    expect(() => encodeEvent(sized(eventBytesMax + 1))).toThrow("65439 bytes")
  })

  test("refuses a value that JSON does not know", () => {
    const event = complete({ ...least, data: { big: 1n } })
    expect(() => encodeEvent(event)).toThrow(expect.objectContaining({ code: "EVENT_FIELD_VALUE" }))
  })
})
