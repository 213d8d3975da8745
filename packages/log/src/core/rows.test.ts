import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { errorRegistry } from "../base/index.ts"
import { createCore, encodeNeedles, rowBytes, rowField, verdictCodes, verdicts } from "./index.ts"
import { bytesOf, type Desk, desks, goodEvent } from "./twins.test.fixture.ts"

const lengthOf = (desk: Desk, row: number): number =>
  desk.view.getUint32(desk.rows + rowBytes * row + rowField.length, true)

/** `u32be length | event` for each text, put at the desk's text region; returns the end. */
function lay(desk: Desk, texts: readonly string[]): number {
  let at = desk.text
  for (const text of texts) {
    const bytes = bytesOf(text)
    desk.view.setUint32(at, bytes.length)
    desk.core.memory.set(bytes, at + 4)
    at += 4 + bytes.length
  }
  return at
}

describe.each(desks)("$core.kind: split", (desk) => {
  const { core, view, text, rows } = desk

  it("finds each event and zeroes the rest of its row", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 70 }), { maxLength: 30 }), (texts) => {
        const end = lay(desk, texts)
        core.memory.fill(0xaa, rows, rows + 31 * rowBytes)
        expect(core.split(text, end, rows, 30)).toBe(texts.length)
        let at = text
        for (const [i, event] of texts.entries()) {
          const row = [...new Uint32Array(core.memory.buffer, rows + rowBytes * i, rowBytes / 4)]
          const { length } = bytesOf(event)
          expect(row).toEqual([at + 4, length, ...Array(14).fill(0)])
          at += 4 + length
        }
        expect(core.memory[rows + rowBytes * texts.length]).toBe(0xaa)
      }),
      { numRuns: 100 },
    )
  })

  it("refuses a region that is cut or goes on, at every byte", () => {
    const end = lay(desk, ["abc", "", "defgh"])
    const whole = [0, 7, 11, 20]
    for (let length = 0; length <= 20; length++) {
      const count = core.split(text, text + length, rows, 10)
      expect([length, count]).toEqual([length, whole.indexOf(length)])
    }
    expect(end - text).toBe(20)
  })

  it("refuses more events than asked for, and lengths that reach over the end", () => {
    const end = lay(desk, ["a", "b", "c"])
    expect(core.split(text, end, rows, 3)).toBe(3)
    expect(core.split(text, end, rows, 2)).toBe(-1)
    expect(core.split(text, text, rows, 0)).toBe(0)
    for (const length of [2, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff]) {
      view.setUint32(text + 10, length)
      expect(core.split(text, end, rows, 3)).toBe(-1)
    }
  })
})

interface Pattern {
  readonly isPrefix: boolean
  readonly text: string
}

/** Rows whose source is each of the texts; one of them is refused already. */
function layRows(desk: Desk, texts: readonly string[], refused: number): void {
  const { core, view, rows } = desk
  let at = desk.text
  for (const [i, text] of texts.entries()) {
    const row = rows + rowBytes * i
    core.memory.fill(0, row, row + rowBytes)
    core.memory.set(bytesOf(text), at)
    view.setUint32(row + rowField.source, at, true)
    view.setUint32(row + rowField.source + 4, bytesOf(text).length, true)
    if (i === refused) view.setUint32(row + rowField.verdict, verdicts.syntax, true)
    at += bytesOf(text).length
  }
}

function layPatterns(desk: Desk, patterns: readonly Pattern[]): number {
  let at = desk.spans
  for (const { isPrefix, text } of patterns) {
    const bytes = bytesOf(text)
    desk.core.memory[at] = Number(isPrefix)
    desk.view.setUint16(at + 1, bytes.length)
    desk.core.memory.set(bytes, at + 3)
    at += 3 + bytes.length
  }
  return at
}

describe.each(desks)("$core.kind: allow and deny", (desk) => {
  const { core, view, rows, spans } = desk

  function verdictsAfter(
    act: "allow" | "deny",
    texts: readonly string[],
    patterns: readonly Pattern[],
    refused = -1,
  ): readonly number[] {
    layRows(desk, texts, refused)
    const end = layPatterns(desk, patterns)
    const mark = verdicts.sourceNotGranted
    const marked = core[act](rows, texts.length, rowField.source, spans, end, mark)
    const found = texts.map((_, i) => view.getUint32(rows + rowBytes * i + rowField.verdict, true))
    expect(marked).toBe(found.filter((verdict) => verdict === mark).length)
    return found
  }

  it("marks what matches no pattern, or what matches one", () => {
    const shop = { isPrefix: true, text: "app://shop/" }
    const exact = { isPrefix: false, text: "app://billing" }
    const texts = [
      "app://billing",
      "app://billing2",
      "app://shop/",
      "app://shop/a",
      "app://shop",
      "",
    ]
    const [no, yes] = [verdicts.sourceNotGranted, 0]
    expect(verdictsAfter("allow", texts, [exact, shop])).toEqual([yes, no, yes, yes, no, no])
    expect(verdictsAfter("deny", texts, [exact, shop])).toEqual([no, yes, no, no, yes, yes])
    expect(verdictsAfter("allow", texts, [])).toEqual(texts.map(() => no))
    expect(verdictsAfter("deny", texts, [])).toEqual(texts.map(() => yes))
    expect(verdictsAfter("allow", texts, [{ isPrefix: true, text: "" }])).toEqual(
      texts.map(() => yes),
    )
  })

  it("does as the definition says for any values and patterns", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 36 })
    const value = fc.oneof(letters, fc.constantFrom("a".repeat(16), "a".repeat(32), "a".repeat(33)))
    const pattern = fc.record({ isPrefix: fc.boolean(), text: value })
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 20 }),
        fc.array(pattern, { maxLength: 4 }),
        fc.nat({ max: 20 }),
        fc.constantFrom("allow" as const, "deny" as const),
        (texts, patterns, refused, act) => {
          const wanted = texts.map((text, i) => {
            if (i === refused) return verdicts.syntax
            const matches = patterns.some((pattern) =>
              pattern.isPrefix ? text.startsWith(pattern.text) : text === pattern.text,
            )
            return matches === (act === "deny") ? verdicts.sourceNotGranted : 0
          })
          expect(verdictsAfter(act, texts, patterns, refused)).toEqual(wanted)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe("a core's memory", () => {
  const options = { memoryBytes: 2 ** 17, leavesMax: 10 }

  it.each(["wasm", "plain"] as const)(
    "hands out aligned regions that are zero and apart: %s",
    (kind) => {
      const core = createCore(options, kind)
      expect(core.kind).toBe(kind)
      expect(core.memory).toHaveLength(2 ** 17)
      let end = 0
      for (const [bytes, align] of [[1], [100, 4096], [7, 8], [0], [64, 64]]) {
        const at = core.reserve(bytes as number, align)
        expect(at % (align ?? 64)).toBe(0)
        expect(at).toBeGreaterThanOrEqual(end + 64)
        end = at + (bytes as number)
        expect(core.memory.subarray(at, end + 64).every((byte) => byte === 0)).toBe(true)
      }
      expect(() => core.reserve(2 ** 17)).toThrow("invariant broken")
      expect(() => core.reserve(1, 3)).toThrow("invariant broken")
    },
  )

  it("is never read over its end, wherever an event is cut", () => {
    const core = createCore({ memoryBytes: 2 ** 16, leavesMax: 1 }, "wasm")
    const [rows, spans] = [core.reserve(rowBytes), core.reserve(64)]
    const region = encodeNeedles([{ text: "1".repeat(32), anyCase: true, group: 0 }])
    const needles = core.reserve(region.length)
    core.memory.set(region, needles)
    const last = core.reserve(0)
    const end = core.reserve(2 ** 16 - last - 256) + (2 ** 16 - last - 256)
    expect(() => core.reserve(1)).toThrow("invariant broken")
    const event = bytesOf(JSON.stringify({ ...goodEvent, data: { a: -1.5, b: "é".repeat(70) } }))
    const row = new DataView(core.memory.buffer, rows, rowBytes)
    core.memory.fill(0x31, end)
    for (let length = 0; length <= event.length; length++) {
      const at = end - length
      core.memory.set(event.subarray(0, length), at)
      row.setUint32(rowField.offset, at, true)
      row.setUint32(rowField.length, length, true)
      expect(core.scan(rows, 1)).toBe(Number(length < event.length))
      expect(core.members(at, end, spans, 4)).toBe(length < event.length ? -1 : -2)
      core.sha256(at, end, spans)
      row.setUint32(rowField.verdict, 0, true)
      expect(core.mention(rows, 1, needles)).toBe(0)
    }
  })

  it("takes the faster core by itself", () => {
    expect(createCore(options).kind).toBe("wasm")
  })

  it("gives an event one verdict in any core, whatever was scanned before", () => {
    for (const { core, rows, text, ...desk } of desks) {
      const event = JSON.stringify(goodEvent)
      const end = lay({ core, rows, text, ...desk }, [event, "{}", event, "", event])
      expect(core.split(text, end, rows, 10)).toBe(5)
      expect(core.scan(rows, 5)).toBe(2)
      expect(core.scan(rows, 5)).toBe(2)
      expect(lengthOf({ core, rows, text, ...desk }, 2)).toBe(event.length)
    }
  })
})

it("has a code of the registry for every verdict", () => {
  expect(verdictCodes).toHaveLength(Object.keys(verdicts).length)
  for (const [name, number] of Object.entries(verdicts)) {
    if (number === 0) continue
    const words = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
    expect(verdictCodes[number]).toBe(`EVENT_${words}`)
    expect(errorRegistry).toHaveProperty(`EVENT_${words}`)
  }
})
