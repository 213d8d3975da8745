import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  bytesOf,
  fieldNames,
  goodEvent,
  parseStrictly,
  type Scanned,
  scan,
} from "./twins.test.fixture.ts"

const full = {
  v: 1,
  ...goodEvent,
  sentAt: "2026-11-22T12:00:00Z",
  category: "finance",
  op: "delete",
  severity: "info",
  tenant: "acme",
  reason: { text: "Kündigung: naïve café, 東京, 😀" },
  origin: { address: "10.0.0.1", port: 443 },
  request: { headers: { "x-a": ["1", "2", null, true, false] } },
  response: {},
  trace: { id: "4bf92f3577b34da6a3ce929d0e0e4736" },
  labels: { a: '\\ " / \b \f \n \r \t \u0000' },
  data: { n: [0, -1, 1.5, -0.25e-10, 1e9, 1e21], long: "x".repeat(200), deep: [[[[{}]]]] },
  onBehalfOf: [{ type: "user", id: "bob" }],
  changes: [],
  subjects: [{}],
}

const samples: readonly string[] = [
  JSON.stringify(goodEvent),
  JSON.stringify(full),
  JSON.stringify(full, undefined, 2),
  ` \t\r\n${JSON.stringify(full, undefined, "\t")}\n\n`,
  JSON.stringify(full).replaceAll('":', '": ').replaceAll(',"', ', "'),
  JSON.stringify({ ...goodEvent, data: { nested: JSON.stringify(full) } }),
]

/** Everything that must hold between a verdict and what JSON.parse thinks of the same bytes. */
function compareWithParse(event: Uint8Array, scanned: Scanned): void {
  const parsed = parseStrictly(event)
  const text = Buffer.from(event).toString("latin1")
  const shown = `${scanned.verdict} at ${scanned.position}: ${text}`
  const isObject =
    typeof parsed?.value === "object" && parsed.value !== null && !Array.isArray(parsed.value)
  if (scanned.verdict === "accepted") {
    expect(isObject, shown).toBe(true)
    const value = parsed?.value as Record<string, unknown>
    for (const name of fieldNames) expect(scanned.fields[name], shown).toBe(value[name])
    return
  }
  for (const name of fieldNames) expect(scanned.fields[name]).toBe("")
  if (scanned.verdict === "syntax") expect(isObject, shown).toBe(false)
  if (scanned.verdict === "utf8") expect(parsed, shown).toBe(undefined)
  if (scanned.verdict === "missingField") {
    expect(isObject, shown).toBe(true)
    const keys = Object.keys(parsed?.value as object)
    expect(
      Object.keys(goodEvent).every((key) => keys.includes(key)),
      shown,
    ).toBe(false)
  }
}

function judge(event: Uint8Array): Scanned {
  const scanned = scan(event)
  compareWithParse(event, scanned)
  return scanned
}

describe("scan", () => {
  it("takes good events however they are written, and finds their fields", () => {
    for (const sample of samples) {
      const event = bytesOf(sample)
      const { time, source, id, action, outcome } = goodEvent
      expect(judge(event)).toEqual({
        verdict: "accepted",
        position: event.length,
        fields: { id, time, source, action, outcome },
      })
    }
  })

  it("refuses every event that is cut, whatever stands behind it", () => {
    for (const sample of samples.slice(0, 4)) {
      const event = bytesOf(sample.trim())
      for (let length = 0; length < event.length; length++) {
        const rest = event.slice(length)
        const cut = event.slice(0, length)
        const more = [
          "}".repeat(100),
          '"'.repeat(100),
          "1".repeat(100),
          ".5}",
          "e5}",
          "rue}",
          "ull}",
        ]
        const scanned = scan(cut, ["", rest, ...more])
        compareWithParse(cut, scanned)
        // A character in two can only be cut by name.
        if (scanned.verdict === "utf8") expect(event[scanned.position]).toBeGreaterThan(0x7f)
        else expect(scanned).toMatchObject({ verdict: "syntax", position: length })
      }
    }
  })

  it("gives every byte in every place of an event the same verdict in both cores", () => {
    const sample = bytesOf(
      '{"id":"é1","time":"2026-11-22T12:00:00Z","source":"s","action":"a","outcome":"error",' +
        '"actor":{"\\n":-1.5e3},"targets":[true,null, 0]}',
    )
    expect(judge(sample).verdict).toBe("accepted")
    for (let at = 0; at < sample.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const event = sample.slice()
        event[at] = byte
        const { verdict } = scan(event, ["}"])
        const parsed = parseStrictly(event) !== undefined
        if (verdict === "accepted" && !parsed) throw new Error(`byte ${byte} at ${at} was taken`)
        if (verdict === "syntax" && parsed) throw new Error(`byte ${byte} at ${at} was refused`)
      }
    }
  })

  it("judges mutated events as the other core and JSON.parse do", () => {
    const pieces = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
      fc
        .constantFrom(
          ...['"', "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\\u00e9", "\\", "é", "😀", "-"],
          ...[
            '"id":"x"',
            '"v":1',
            '"v":2',
            '"x":1',
            '"__proto__":{}',
            '"da\\u0074a":{}',
            "1e",
            "0",
          ],
          ...[
            "\u0000",
            "\u001f",
            "\u007f",
            "null",
            "tru",
            '"time":""',
            '{"a":[',
            "\ud7ff",
            "\uffff",
          ],
        )
        .map(bytesOf),
    )
    const mutation = fc.record({ at: fc.nat(), drop: fc.nat({ max: 4 }), piece: pieces })
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (sample, mutations) => {
          let event = Buffer.from(sample)
          for (const { at, drop, piece } of mutations) {
            const place = at % (event.length + 1)
            const rest = event.subarray(Math.min(event.length, place + drop))
            event = Buffer.concat([event.subarray(0, place), piece, rest])
          }
          judge(new Uint8Array(event))
        },
      ),
      { numRuns: 6000 },
    )
  })

  it("judges generated objects as the other core and JSON.parse do", () => {
    const member = fc.tuple(
      fc.constantFrom(...Object.keys(full), ...Object.keys(goodEvent), "other", ""),
      fc.oneof(fc.constantFrom(...Object.values(full)), fc.jsonValue()),
    )
    fc.assert(
      fc.property(fc.array(member, { maxLength: 12 }), fc.boolean(), (list, complete) => {
        const members = [...list, ...(complete ? Object.entries(goodEvent) : [])]
        const text = members.map(
          ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
        )
        judge(bytesOf(`{${text.join(",")}}`))
      }),
      { numRuns: 3000 },
    )
  })
})
