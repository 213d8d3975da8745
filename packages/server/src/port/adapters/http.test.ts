import { encodeUtf8 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { httpAdapter, regionBytesMin } from "./index.ts"
import { convert, nextRegion, now, openBody, type Written } from "./workbench.test.support.ts"

const lines = { contentType: "application/x-ndjson" }
const rest = '"action":"a.b","actor":{"type":"user","id":"u"},"targets":[]'
const given = {
  id: '"id":"x"',
  time: '"time":"2026-01-01T00:00:00Z"',
  source: '"source":"app://x"',
  outcome: '"outcome":"denied"',
} as const
const filled = {
  id: '"id":"id-0"',
  time: `"time":"${now}"`,
  source: '"source":"k8s://test"',
  outcome: '"outcome":"unknown"',
} as const
const names = ["id", "time", "source", "outcome"] as const
const whole = `{${Object.values(given).join()},${rest}}`

describe("an event", () => {
  it("gets exactly what it lacks, right after its brace, and keeps every byte", () => {
    for (let present = 0; present < 16; present++) {
      const has = names.filter((_, i) => (present & (1 << i)) !== 0)
      const lacks = names.filter((_, i) => (present & (1 << i)) === 0)
      const inside = ` ${[...has.map((name) => given[name]), rest].join(" , ")}\n`
      const expected = `{${lacks.map((name) => `${filled[name]},`).join("")}${inside}}`
      const [event, ...none] = convert(httpAdapter, `\n {${inside}}\t`)
      expect(none).toEqual([])
      expect(event).toMatchObject({
        text: expected,
        changed: lacks.length === 0 ? 0 : 1,
        code: undefined,
      })
    }
  })

  it("may be empty, and is refused for what nobody can fill in", () => {
    for (const empty of ["{}", "{ \n}"]) {
      const [event] = convert(httpAdapter, empty)
      expect(event?.text).toBe(`{${Object.values(filled).join()}${empty.slice(1)}`)
      expect(event?.code).toBe("EVENT_MISSING_FIELD")
    }
  })

  it("that gives a member twice, wrongly or with an escape is left to the scanner", () => {
    expect(convert(httpAdapter, `{"id":null,${rest}}`)[0]?.code).toBe("EVENT_FIELD_TYPE")
    expect(convert(httpAdapter, `{"id":"a","id":"b",${rest}}`)[0]?.code).toBe("EVENT_DUPLICATE_KEY")
    expect(convert(httpAdapter, `{"\\u0069d":"a",${rest}}`)[0]?.code).toBe("EVENT_ESCAPED_KEY")
  })
})

describe("a body", () => {
  /** What the adapter must make of one item, computed from its text alone. */
  function expectedText(item: string, written: string): string {
    const value: unknown = JSON.parse(item)
    if (typeof value !== "object" || value === null || Array.isArray(value)) return item
    const id = /^\{"id":"(id-\d+)",/.exec(written)?.[1]
    const fills = names.filter((name) => !Object.hasOwn(value, name))
    const fill = fills.map((name) => (name === "id" ? `"id":"${id}"` : filled[name]))
    const inside = item.slice(1)
    const isEmpty = Object.keys(value).length === 0
    return `{${fill.join()}${fill.length === 0 || isEmpty ? "" : ","}${inside}`
  }

  const member = fc.tuple(
    fc.oneof(fc.constantFrom(...names, "action", "Id", "idd", "__proto__"), fc.string()),
    fc.json({ maxDepth: 2 }),
  )
  const object = fc
    .uniqueArray(member, { maxLength: 6, selector: ([key]) => key })
    .map((members) => {
      const inside = members.map(([key, value]) => `${JSON.stringify(key)} :${value}`)
      return `{ ${inside.join(", ")}}`
    })
  const items = fc.array(fc.oneof(object, object, fc.json({ maxDepth: 3 })), { maxLength: 8 })

  it("of any JSON array comes out as its items, filled", () => {
    fc.assert(
      fc.property(items, (texts) => {
        const body = `[ ${texts.join(" ,\r\n")}\t]`
        const written = convert(httpAdapter, body)
        expect(written.map(({ text }) => text)).toEqual(
          texts.map((text, i) => expectedText(text, written[i]?.text ?? "")),
        )
        for (const [i, { text }] of written.entries()) {
          const before: unknown = JSON.parse(texts[i] ?? "")
          const after: unknown = JSON.parse(text)
          if (isRecord(before)) expect(after).toMatchObject(before)
          else expect(after).toEqual(before)
        }
      }),
      { numRuns: 300 },
    )
  })

  it("of lines comes out as its lines, filled, whatever ends them", () => {
    const line = fc.tuple(
      fc.oneof(object, fc.json({ maxDepth: 2 })),
      fc.constantFrom("\n", "\r\n", "\n\n", "\n \t\r\n", " \n"),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.boolean(), (parts, cut) => {
        const body = parts.map(([text, ending]) => `${text}${ending}`).join("")
        const written = convert(httpAdapter, cut ? body.trimEnd() : body, lines)
        expect(written.map(({ text }) => text)).toEqual(
          parts.map(([text], i) => expectedText(text, written[i]?.text ?? "")),
        )
      }),
      { numRuns: 200 },
    )
  })

  it("may hold nothing, where nothing is a number of events", () => {
    expect(convert(httpAdapter, " [ ] ")).toEqual([])
    expect(convert(httpAdapter, "", lines)).toEqual([])
    expect(convert(httpAdapter, "\r\n \n", lines)).toEqual([])
  })

  it("of lines passes on what cannot be read, and fails no other line", () => {
    const odd = ['{"id":', "", "[1", "tru", `${whole} x`, "{}{}", "\u0000", '{"a":"\u0001"}']
    const written = convert(httpAdapter, [whole, ...odd, whole].join("\n"), lines)
    const expected = [whole, ...odd.filter((text) => text !== ""), whole]
    expect(written.map(({ text }) => text)).toEqual(expected)
    expect(written.map(({ code }) => code === undefined)).toEqual(
      expected.map((text) => text === whole),
    )
  })

  it("with an element that is too deep, not UTF-8 or faulty inside keeps the others", () => {
    const deep = `{"data":${'{"a":'.repeat(40)}1${"}".repeat(41)}`
    const odd: [string, string][] = [
      [deep, "EVENT_DEPTH"],
      ['{"data":{"a":"\xff"}}', "EVENT_UTF8"],
      ['{"data":{"a":tru}}', "EVENT_SYNTAX"],
      ["{1}", "EVENT_SYNTAX"],
      ['{"data":{}x}', "EVENT_SYNTAX"],
      ["nul", "EVENT_SYNTAX"],
    ]
    for (const [text, code] of odd) {
      const body = Buffer.from(`[${whole}, ${text} ,${whole}]`, "latin1")
      const written = convert(httpAdapter, body)
      expect(
        written.map((event) => event.code),
        text,
      ).toEqual([undefined, code, undefined])
      expect(written[1]?.text).toBe(text)
      expect(written.every(({ changed }) => changed === 0)).toBe(true)
    }
  })

  it("of one faulty event is refused as an event, so that the sender learns where", () => {
    expect(convert(httpAdapter, '{"data":{"a":tru}}')[0]?.code).toBe("EVENT_SYNTAX")
    expect(convert(httpAdapter, Buffer.from('{"id":"\xff"}', "latin1"))[0]?.code).toBe("EVENT_UTF8")
  })

  it.each([
    "",
    " ",
    "null",
    "1",
    '"x"',
    "x",
    "{",
    "[",
    `[${whole}`,
    `${whole},${whole}`,
    `${whole}]`,
  ])("that is no event and no array is refused: %j", (body) =>
    expectCode(() => openBody(httpAdapter, body), "HTTP_BODY_SYNTAX"),
  )

  it.each([`[${whole},]`, `[${whole},,1]`, `[${whole} , {"a":[}]`, `[${whole}]x`, `[${whole}}`])(
    "whose array is broken is refused before anything is written: %j",
    (body) => expectCode(() => openBody(httpAdapter, body), "HTTP_BODY_SYNTAX"),
  )

  it("may begin with no byte order mark", () => {
    expectCode(() => openBody(httpAdapter, `\ufeff${whole}`), "HTTP_BODY_SYNTAX")
  })

  it("is taken by its content type", () => {
    for (const contentType of [
      "application/json",
      "Application/JSON; charset=UTF-8",
      'application/json;charset="utf-8"',
      "application/json ;",
    ]) {
      expect(convert(httpAdapter, `[${whole}]`, { contentType })).toHaveLength(1)
    }
    expect(convert(httpAdapter, `[${whole}]`, lines)[0]?.code).toBe("EVENT_SYNTAX")
    for (const contentType of [
      "",
      "text/plain",
      "application/json; charset=latin1",
      "json\u001b[2J",
    ]) {
      expectCode(() => openBody(httpAdapter, whole, { contentType }), "HTTP_CONTENT_TYPE")
    }
  })
})

describe("regions", () => {
  const bare = `{${rest}}`
  const bodies = [
    whole,
    bare,
    "7",
    whole,
    whole,
    "{}",
    bare,
    '{"a":1',
    `{"data":{"a":"${"x".repeat(300)}"}}`,
  ]
  const body = bodies.join("\n")

  it("hold the same events at every size, never a byte beyond the limit", () => {
    const expected = convert(httpAdapter, body, lines)
    expect(expected).toHaveLength(bodies.length)
    for (let room = 0; room < 1200; room += 1) {
      const run = openBody(httpAdapter, body, lines)
      const seen: Written[] = []
      for (;;) {
        const next = nextRegion(run, room)
        if (next === undefined) break
        expect(next.touched).toBe(false)
        expect(next.bytes).toBeLessThanOrEqual(room)
        if (next.events.length === 0) break
        seen.push(...next.events)
      }
      expect(seen.map(({ text }) => text)).toEqual(
        expected.slice(0, seen.length).map(({ text }) => text),
      )
      // The largest event needs 414 bytes with its length field and fills.
      if (room > 450) expect(seen).toHaveLength(expected.length)
    }
  })

  it("hold at most as many events as asked for", () => {
    for (let eventsMax = 1; eventsMax < 12; eventsMax++) {
      const run = openBody(httpAdapter, Array(10).fill(whole).join("\n"), lines)
      const counts: number[] = []
      for (let next = nextRegion(run, 1 << 20, eventsMax); next !== undefined; ) {
        counts.push(next.events.length)
        next = nextRegion(run, 1 << 20, eventsMax)
      }
      expect(counts.reduce((sum, count) => sum + count)).toBe(10)
      expect(counts.slice(0, -1).every((count) => count === eventsMax)).toBe(true)
    }
  })

  it("end where what is changed changes, but for events that are refused anyway", () => {
    const run = openBody(httpAdapter, [whole, "1", whole, bare, "[", bare, whole].join("\n"), lines)
    const shape: [number, number][] = []
    for (let next = nextRegion(run); next !== undefined; next = nextRegion(run)) {
      shape.push([next.region.changed, next.region.count])
    }
    expect(shape).toEqual([
      [0, 3],
      [1, 3],
      [0, 1],
    ])
  })

  it("use no id up for an event that did not fit", () => {
    const run = openBody(httpAdapter, [whole, bare, bare].join("\n"), lines)
    const texts: string[] = []
    for (const room of [200, 10, 20, 300, 300, 300, 300]) {
      texts.push(...(nextRegion(run, room)?.events.map(({ text }) => text) ?? []))
    }
    expect(texts.map((text) => /"id":"([^"]+)"/.exec(text)?.[1])).toEqual(["x", "id-0", "id-1"])
  })

  it("hold more events than the core can list at a time", () => {
    for (const count of [1024, 1025, 5000]) {
      const written = convert(httpAdapter, `[${Array(count).fill(whole).join(", ")} ]`)
      expect(written).toHaveLength(count)
      expect(written.every(({ text, code }) => text === whole && code === undefined)).toBe(true)
    }
    const zeros = convert(httpAdapter, `[${Array(30_000).fill("0").join()}]`)
    expect(zeros).toHaveLength(30_000)
    expectCode(
      () => openBody(httpAdapter, `[${Array(3000).fill("0").join()},]`),
      "HTTP_BODY_SYNTAX",
    )
  })

  it("hold a stand-in for an event that no entry can hold, and room for one that might", () => {
    const sized = (bytes: number, text: string) =>
      text.replace("}", `${" ".repeat(bytes - text.length)}}`)
    for (const [bytes, isTooLarge] of [
      [65_535, false],
      [65_536, true],
      [500_000, true],
    ] as const) {
      const first = nextRegion(openBody(httpAdapter, sized(bytes, whole), lines), regionBytesMin)
      expect(first?.events).toMatchObject([{ isTooLarge }])
      expect(first?.events[0]?.text.length).toBe(isTooLarge ? 2 : bytes)
      const run = openBody(httpAdapter, `${sized(bytes, '{"a":1}')}\n{"b":1}`, lines)
      // This one lacks members; with them filled in it fits at no size.
      expect(nextRegion(run)?.events).toMatchObject([
        { text: "{}", isTooLarge: true, code: "EVENT_MISSING_FIELD" },
        { isTooLarge: false },
      ])
    }
  })
})

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function expectCode(run: () => unknown, code: string) {
  expect(run).toThrowError(expect.objectContaining({ code }))
}

it("the test's whole event is one", () => {
  expect(encodeUtf8(whole).length).toBeGreaterThan(100)
  expect(convert(httpAdapter, whole)[0]?.code).toBeUndefined()
})
