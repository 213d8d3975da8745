import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  encodeNeedles,
  type Needle,
  needlesBytesMax,
  rowBytes,
  rowField,
  verdicts,
} from "./index.ts"
import { groupsOf, layEvents, mentioned, mentionsOf, putNeedles } from "./mention.test.fixture.ts"
import { bytesOf, type Desk, desks } from "./twins.test.fixture.ts"

/** The rows, but for what mention may write. */
function rowsWithout({ core, rows }: Desk, count: number): Uint8Array {
  const bytes = core.memory.slice(rows, rows + rowBytes * count)
  for (let i = rowField.mentions; i < bytes.length; i += rowBytes) bytes[i] = 0
  return bytes
}

// Few letters, so that needles share windows, overlap, and are nearly there all the time.
const letter = fc.constantFrom(..."abAB1_\\@`[{")
const needle: fc.Arbitrary<Needle> = fc.record({
  text: fc.oneof(
    fc.string({ unit: letter, minLength: 2, maxLength: 5 }),
    fc.string({ unit: letter, minLength: 2, maxLength: 32 }),
  ),
  anyCase: fc.boolean(),
  group: fc.nat({ max: 7 }),
})
const byte = fc.oneof(
  letter.map((character) => character.charCodeAt(0)),
  fc.nat({ max: 255 }),
  letter.map((character) => character.charCodeAt(0) | 0x80),
)
const noise = fc.array(byte, { maxLength: 150 }).map((bytes) => Uint8Array.from(bytes))
const secrets =
  "AKIA ghp_ ghs_ github_pat_ xoxb- sk_live_ eyJ password SECRET \\u \\/ :// token-".split(" ")

/** Noise with whole needles and beginnings of them in it. */
function eventWith(needles: readonly Needle[]): fc.Arbitrary<Uint8Array> {
  const part = fc.constantFrom(...needles).chain(({ text, anyCase }) =>
    fc.record({ end: fc.nat({ max: text.length }), upper: fc.boolean() }).map(({ end, upper }) => {
      const piece = text.slice(0, end < 2 ? text.length : end)
      return bytesOf(anyCase && upper ? piece.toUpperCase() : piece)
    }),
  )
  return fc
    .array(fc.oneof(noise, part), { maxLength: 6 })
    .map((parts) => new Uint8Array(Buffer.concat(parts)))
}

describe("mention", () => {
  it("finds what the definition finds, in both cores, for any needles and events", () => {
    const batch = fc.array(needle, { minLength: 1, maxLength: 40 }).chain((needles) =>
      fc.record({
        needles: fc.constant(needles),
        events: fc.array(eventWith(needles), { minLength: 1, maxLength: 8 }),
        around: fc.constantFrom(...needles).map(({ text }) => bytesOf(text)),
        before: fc.array(fc.nat({ max: 255 }), { minLength: 8, maxLength: 8 }),
        refused: fc.nat({ max: 12 }),
      }),
    )
    fc.assert(
      fc.property(batch, ({ needles, events, around, before, refused }) => {
        const wanted = events.map((event, i) =>
          i === refused ? (before[i] ?? 0) : (before[i] ?? 0) | groupsOf(event, needles),
        )
        for (const desk of desks) {
          putNeedles(desk, needles)
          layEvents(desk, events, around)
          for (const i of events.keys()) {
            const row = desk.rows + rowBytes * i
            desk.core.memory[row + rowField.mentions] = before[i] ?? 0
            const verdict = i === refused ? verdicts.syntax : 0
            desk.view.setUint32(row + rowField.verdict, verdict, true)
          }
          const others = rowsWithout(desk, events.length)
          const count = desk.core.mention(desk.rows, events.length, desk.needles)
          expect(rowsWithout(desk, events.length)).toEqual(others)
          expect([desk.core.kind, events.map((_, i) => mentionsOf(desk, i))]).toEqual([
            desk.core.kind,
            wanted,
          ])
          expect(count).toBe(wanted.filter((groups, i) => i !== refused && groups !== 0).length)
        }
      }),
      { numRuns: 400 },
    )
  })

  it("finds a needle of any length at every place, and none that reaches over an end", () => {
    for (const length of [2, 3, 4, 15, 16, 17, 31, 32]) {
      const text = "sk_live_51H8-Token/XyZ.0123456789".slice(0, length)
      const list = [{ text, anyCase: false, group: 3 }]
      for (let at = 0; at <= 140; at++) {
        const event = new Uint8Array(at + length).fill(0x73)
        event.set(bytesOf(text), at)
        expect([length, at, mentioned(event, list)]).toEqual([length, at, 8])
        // The rest of it stands behind the event, or its beginning before it.
        const cut = event.subarray(0, -1)
        expect(mentioned(cut, list, bytesOf(text.slice(-1)))).toBe(0)
        expect(mentioned(bytesOf(text).subarray(1), list, bytesOf(text.slice(0, 1)))).toBe(0)
      }
    }
  })

  it("looks at an event of no bytes and at one of 65,000", () => {
    const list = [
      { text: "\\u", anyCase: false, group: 0 },
      { text: "password", anyCase: true, group: 7 },
    ]
    expect(mentioned(new Uint8Array(0), list, bytesOf("password\\u"))).toBe(0)
    expect(mentioned(bytesOf("\\"), list, bytesOf("u"))).toBe(0)
    const long = new Uint8Array(65_000).fill(0x70)
    expect(mentioned(long, list)).toBe(0)
    long.set(bytesOf("PassWord"), 65_000 - 8)
    expect(mentioned(long, list)).toBe(128)
    long.set(bytesOf("\\u"), 63)
    expect(mentioned(long, list)).toBe(129)
  })

  it("tells letters of either case from what only looks like them in bits", () => {
    const list = [{ text: "k@[_9", anyCase: true, group: 1 }]
    for (const yes of ["k@[_9", "K@[_9"]) expect(mentioned(bytesOf(yes), list)).toBe(2)
    for (const no of ["K@{_9", "K`[_9", "k@[\x7f9", "k@[_\x19", "\u212a@[_9", "\x0b@[_9"]) {
      expect(mentioned(bytesOf(no), list)).toBe(0)
    }
    const high = bytesOf("k@[_9").map((byte) => byte | 0x80)
    expect(mentioned(high, list)).toBe(0)
    expect(mentioned(bytesOf("K@[_9"), [{ text: "k@[_9", anyCase: false, group: 1 }])).toBe(0)
  })

  it("keeps 512 needles apart, also those that share all but one byte", () => {
    const list = Array.from({ length: 512 }, (_, i) => ({
      text: `"spec${String(i).padStart(3, "0")}"`,
      anyCase: i % 2 === 0,
      group: i % 8,
    }))
    for (const [i, { text, group }] of list.entries()) {
      if (i % 7 !== 0) continue
      expect([text, mentioned(bytesOf(`{${text}:1}`), list)]).toEqual([text, 1 << group])
    }
    expect(mentioned(bytesOf('{"spec512":1,"spec00":2,"spe":3}'.repeat(40)), list)).toBe(0)
    expect(mentioned(bytesOf(list.map(({ text }) => text).join()), list)).toBe(255)
  })

  it("finds each of the usual beginnings of secrets, and nothing in an event without", () => {
    const list = secrets.map((text, i) => ({ text, anyCase: i > 6, group: i % 8 }))
    for (const { text, group } of list) {
      expect([text, mentioned(bytesOf(`{"data":"x${text}y"}`), list)]).toEqual([text, 1 << group])
    }
    expect(mentioned(bytesOf('{"data":"AKI A gh_p passwor d sk-live to_ken"}'), list)).toBe(0)
  })

  it("takes one text in several groups, and no needles at all", () => {
    const list = [0, 5, 7].map((group) => ({ text: "email", anyCase: true, group }))
    expect(mentioned(bytesOf("xEMAILx"), list)).toBe(0b1010_0001)
    expect(encodeNeedles(list)).toHaveLength(encodeNeedles(list.slice(0, 1)).length)
    expect(mentioned(bytesOf("anything"), [])).toBe(0)
  })
})

describe("encodeNeedles", () => {
  it("gives at most needlesBytesMax", () => {
    const list = Array.from({ length: 512 }, (_, i) => ({
      text: `x${i}`,
      anyCase: false,
      group: 0,
    }))
    expect(encodeNeedles(list)).toHaveLength(needlesBytesMax)
    expect(() => encodeNeedles([...list, { text: "xx", anyCase: false, group: 0 }])).toThrow()
  })

  it("refuses what it cannot look for", () => {
    const good = { text: "ab", anyCase: true, group: 0 }
    for (const text of ["", "a", "a".repeat(33), "ab\n", "é1", "a\x7f"]) {
      expect(() => encodeNeedles([{ ...good, text }]), text).toThrow("invariant broken")
    }
    for (const group of [-1, 8, 0.5, Number.NaN]) {
      expect(() => encodeNeedles([{ ...good, group }])).toThrow("invariant broken")
    }
  })

  it("passes over what stands within one of the five texts, and nothing that goes beyond it", () => {
    const list = [{ text: "ab", anyCase: true, group: 2 }]
    const texts = fc.array(fc.constantFrom("a", "b", "A", "-"), { minLength: 2, maxLength: 90 })
    const span = fc.tuple(fc.nat({ max: 90 }), fc.nat({ max: 20 }))
    const spans = fc.array(span, { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(texts, spans, (letters, five) => {
        const text = letters.join("")
        const stands = [...text.toLowerCase().matchAll(/ab/g)].some(({ index }) => {
          return !five.some(([from, length]) => from <= index && index + 2 <= from + length)
        })
        for (const desk of desks) {
          putNeedles(desk, list)
          layEvents(desk, [bytesOf(text)], new Uint8Array(0))
          const at = desk.view.getUint32(desk.rows + rowField.offset, true)
          for (const [i, [from, length]] of five.entries()) {
            desk.view.setUint32(desk.rows + rowField.id + 8 * i, at + from, true)
            desk.view.setUint32(desk.rows + rowField.id + 8 * i + 4, length, true)
          }
          desk.core.mention(desk.rows, 1, desk.needles)
          expect([desk.core.kind, mentionsOf(desk, 0)]).toEqual([desk.core.kind, stands ? 4 : 0])
        }
      }),
      { numRuns: 500 },
    )
  })

  it("tells what is not ASCII, wherever it stands, and nothing else", () => {
    const list = [{ text: "\\u", anyCase: false, group: 0 }]
    const region = encodeNeedles(list, 1 << 6)
    const groupsOfText = (text: string, behind = ""): number => {
      const [first, second] = desks.map((desk) => {
        desk.core.memory.set(region, desk.needles)
        layEvents(desk, [Buffer.from(text)], Buffer.from(behind))
        desk.core.mention(desk.rows, 1, desk.needles)
        return mentionsOf(desk, 0)
      })
      expect(second).toBe(first)
      return first ?? -1
    }
    for (let before = 0; before < 130; before++) {
      const text = "x".repeat(before)
      for (const letter of ["\u0430", "\uff50", "\u200b", "\u{1d429}", "\u0100", "\u00e4"]) {
        expect([before, groupsOfText(`${text}${letter}y`)]).toEqual([before, 64])
        expect([before, groupsOfText(text, letter)]).toEqual([before, 0])
      }
      expect([before, groupsOfText(`${text}~\u007f`)]).toEqual([before, 0])
    }
  })
})
