import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  arrayItems,
  LineSplitter,
  memberOf,
  OctetSplitter,
  recordBytesMax,
  type Splitter,
} from "./index.ts"

type Kind = new (sink: {
  record: (bytes: Uint8Array) => void
  tooLong: (bytes: number) => void
}) => Splitter

/** The records of these chunks; a number is a record that was too long. */
function split(kind: Kind, chunks: readonly Buffer[], isEnded = true): (string | number)[] {
  const found: (string | number)[] = []
  const splitter = new kind({
    record: (bytes) => found.push(Buffer.from(bytes).toString("latin1")),
    tooLong: (bytes) => found.push(bytes),
  })
  for (const chunk of chunks) {
    // A splitter that kept a view of it would see this.
    const given = Buffer.from(chunk)
    splitter.push(given)
    given.fill(0xaa)
  }
  if (isEnded) splitter.end()
  return found
}

/** A text cut into chunks anywhere. */
function chunksOf(text: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts.map((cut) => cut % (text.length + 1)), 0, text.length]
  places.sort((a, b) => a - b)
  return places.slice(1).map((to, at) => text.subarray(places[at], to))
}

const cuts = fc.array(fc.nat(), { maxLength: 8 })

describe("lines", () => {
  it("are the same however the bytes come", () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((all) => all.map((one) => one % 14))
    fc.assert(
      fc.property(bytes, cuts, (all, where) => {
        const text = Buffer.from(all)
        const lines = text.toString("latin1").split("\n")
        if (lines.at(-1) === "") lines.pop()
        expect(split(LineSplitter, chunksOf(text, where))).toEqual(lines)
      }),
    )
  })

  it("that are not complete are none before the end", () => {
    expect(split(LineSplitter, [Buffer.from("a\nb")], false)).toEqual(["a"])
  })

  it("that are too long are passed over as they come, and only they", () => {
    const long = Buffer.alloc(1_048_576, 0x78)
    const chunks = [Buffer.from("a\n"), ...Array<Buffer>(9).fill(long), Buffer.from("x\nb\n")]
    expect(split(LineSplitter, chunks)).toEqual(["a", 9 * 1_048_576 + 1, "b"])
    const fits = [Buffer.alloc(recordBytesMax, 0x78), Buffer.from("\n")]
    expect(split(LineSplitter, fits)).toHaveLength(1)
    expect(split(LineSplitter, [Buffer.alloc(recordBytesMax + 1, 0x78)])).toEqual([
      recordBytesMax + 1,
    ])
  })
})

describe("a syslog stream", () => {
  it("may be counted and in lines, in turns, however the bytes come", () => {
    const counted = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 })
    const message = fc.record({ text: counted, isCounted: fc.boolean() })
    fc.assert(
      fc.property(fc.array(message), cuts, (messages, where) => {
        const sent = messages.map(({ text, isCounted }) => {
          return isCounted ? `${text.length} ${text}` : `<13>${text}\n`
        })
        const whole = messages.map(({ text, isCounted }) => (isCounted ? text : `<13>${text}`))
        expect(split(OctetSplitter, chunksOf(Buffer.from(sent.join("")), where))).toEqual(whole)
      }),
    )
  })

  it.each([
    ["3 a\nb4 text", ["a\nb", "text"]],
    ["5 text\n<1>b\n", ["text", "<1>b"]],
    ["2026-11-23 a line\n", ["2026-11-23 a line"]],
    ["0 zero\n", ["0 zero"]],
    ["10 cut", ["cut"]],
    ["12345678901 many\n", ["12345678901 many"]],
    ["42", ["42"]],
    ["9999999 ", []],
  ])("is read as %j", (text, records) => {
    expect(split(OctetSplitter, [Buffer.from(text)])).toEqual(records)
  })

  it("with a message that is too long loses that one", () => {
    const long = `${recordBytesMax + 1} ${"x".repeat(recordBytesMax + 1)}`
    expect(split(OctetSplitter, [Buffer.from(`${long}1 a`)])).toEqual([recordBytesMax + 1, "a"])
  })

  it("makes something of any bytes, and throws for none", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        split(
          OctetSplitter,
          chunks.map((chunk) => Buffer.from(chunk)),
        )
      }),
    )
  })
})

describe("the items of a JSON body", () => {
  it("stand as they were written", () => {
    const spaced = fc.json().map((text) => ` ${text}\n`)
    fc.assert(
      fc.property(fc.array(spaced), (items) => {
        const body = Buffer.from(` [${items.join(",")}] `)
        expect(arrayItems(body).map(String)).toEqual(items.map((item) => item.trim()))
      }),
    )
  })

  it("of a member are found by its name, however it is written", () => {
    const body = Buffer.from(
      '{"a":{"items":[0]},"b":"]},\\"items\\":[1]","it\\u0065ms" : [ 2, "x" ] }',
    )
    expect(memberOf(body, "items")?.toString()).toBe('[ 2, "x" ]')
    expect(memberOf(body, "none")).toBeUndefined()
    expect(memberOf(Buffer.from("{}"), "items")).toBeUndefined()
  })
})
