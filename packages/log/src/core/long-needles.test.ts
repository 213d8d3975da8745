import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Needle, rowBytes, rowField } from "./index.ts"
import { groupsOf, layEvents, mentioned, mentionsOf, putNeedles } from "./mention.test.fixture.ts"
import { bytesOf, desks } from "./twins.test.fixture.ts"

const around = bytesOf("-")

/** Both cores find what the definition finds. */
function expectAsDefined(event: Uint8Array, list: readonly Needle[]): void {
  const shown = Buffer.from(event).toString("latin1")
  expect([shown, mentioned(event, list, around)]).toEqual([shown, groupsOf(event, list)])
}

/** The text with other bytes at a place: another letter, the other case, and what only looks like it in bits. */
function changedAt(text: string, place: number): readonly Uint8Array[] {
  return [1, 0x20, 0x40, 0x80].map((bits) => {
    const bytes = Uint8Array.from(bytesOf(text))
    bytes[place] = (bytes[place] ?? 0) ^ bits
    return bytes
  })
}

const words = "token pass key secret authorization card.number sk_live_51H8 Z2hwX3 last-applied"
/** 486 of many lengths, of which many share hooks, stems or all but their case. */
const many: readonly Needle[] = words.split(" ").flatMap((word, i) =>
  [...'abcdefghi"\\=:.Z97_'].flatMap((letter, j) => [
    { text: `${word}${letter}`, anyCase: (i + j) % 2 === 0, group: (i + j) % 8 },
    {
      text: `${letter}${letter}${word}`.slice(0, 2 + ((i + 3 * j) % 16)),
      anyCase: j % 3 === 0,
      group: j % 8,
    },
    {
      text: `${word.slice(-3)}${letter}${"x".repeat((5 * j) % 27)}`,
      anyCase: j % 2 === 0,
      group: i % 8,
    },
  ]),
)

describe("long needles", () => {
  it("are found as defined among hundreds of many lengths", () => {
    expect(new Set(many.map(({ text, anyCase }) => `${text}${anyCase}`)).size).toBeGreaterThan(300)
    expect(new Set(many.map(({ text }) => text.length)).size).toBeGreaterThan(20)
    for (const [i, { text }] of many.entries()) {
      if (i % 3 !== 0) continue
      expectAsDefined(bytesOf(text), many)
      expectAsDefined(bytesOf(`{"${text.slice(1)}`), many)
      expectAsDefined(bytesOf(`~${text.slice(0, -1)}~${text.toUpperCase()}`), many)
    }
  })

  it("are found as defined, whichever hundreds they are", () => {
    const unit = fc.constantFrom(...'abcdefghijklmnopABCDEFGH0123456789_-.\\"')
    const needle: fc.Arbitrary<Needle> = fc.record({
      text: fc.oneof(
        { weight: 1, arbitrary: fc.string({ unit, minLength: 2, maxLength: 4 }) },
        { weight: 6, arbitrary: fc.string({ unit, minLength: 4, maxLength: 32 }) },
      ),
      anyCase: fc.boolean(),
      group: fc.nat({ max: 7 }),
    })
    const list = fc.array(needle, { minLength: 301, maxLength: 512, size: "max" })
    const cut = fc.record({
      which: fc.nat(),
      from: fc.nat({ max: 3 }),
      short: fc.nat({ max: 2 }),
      upper: fc.boolean(),
    })
    fc.assert(
      fc.property(list, fc.array(cut, { minLength: 20, maxLength: 20 }), (needles, cuts) => {
        for (const { which, from, short, upper } of cuts) {
          const { text } = needles[which % needles.length] as Needle
          const piece = text.slice(from === 3 ? 1 : 0, text.length - (short === 2 ? 1 : 0))
          const event = `${"~".repeat(from)}${upper ? piece.toUpperCase() : piece}${"~".repeat(short)}`
          expectAsDefined(bytesOf(event), needles)
        }
      }),
      { numRuns: 10, endOnFailure: true },
    )
  })

  it("are found at every distance from both ends, and never over one", () => {
    for (const length of [4, 5, 6, 7, 8, 9, 31, 32]) {
      const text = "kubeadm.token/Abcdef0123456789-Z".slice(0, length)
      const list = [{ text, anyCase: false, group: 5 }]
      for (let before = 0; before <= 18; before++) {
        for (let behind = 0; behind <= 18; behind++) {
          const event = `${"k".repeat(before)}${text}${"Z".repeat(behind)}`
          expect([event, mentioned(bytesOf(event), list)]).toEqual([event, 32])
        }
        // It begins in one event and ends in the next one, at each of its places.
        const [place, filling] = [1 + (before % (length - 1)), "~".repeat(before)]
        const events = [`${filling}${text.slice(0, place)}`, `${text.slice(place)}${filling}`].map(
          bytesOf,
        )
        for (const desk of desks) {
          putNeedles(desk, list)
          layEvents(desk, events, around)
          expect([desk.core.kind, desk.core.mention(desk.rows, 2, desk.needles)]).toEqual([
            desk.core.kind,
            0,
          ])
          expect([mentionsOf(desk, 0), mentionsOf(desk, 1)]).toEqual([0, 0])
        }
      }
    }
  })

  it("are told from what is nearly one, at each byte", () => {
    for (const text of [
      "pin:",
      "_key",
      "Token",
      "sk_live_",
      "authorization.",
      "QUdFLVNFQ1JFVC1LRVktM0123456789a",
    ]) {
      for (const anyCase of [false, true]) {
        const list = [{ text, anyCase, group: 4 }]
        for (let place = 0; place < text.length; place++) {
          for (const event of changedAt(text, place)) expectAsDefined(event, list)
        }
      }
    }
  })

  it("keep their groups and their case where they differ in the last byte only", () => {
    const list = [..."abcXYZ0123.:{~ "].map((last, i) => ({
      text: `authorization${last}`,
      anyCase: i % 3 === 0,
      group: i % 5,
    }))
    for (let last = 0; last < 256; last++) {
      for (const stem of ["authorization", "AUTHORIZATION", "authorizatio"]) {
        expectAsDefined(Uint8Array.from([...bytesOf(stem), last]), list)
      }
    }
  })

  it("are passed over within one of the five texts, and nowhere else", () => {
    const texts = fc.array(fc.constantFrom("a", "b", "ab", "-"), { minLength: 2, maxLength: 60 })
    const span = fc.tuple(fc.nat({ max: 90 }), fc.nat({ max: 30 }))
    const list = ["abab", "baaba"].map((text, group) => ({ text, anyCase: true, group }))
    fc.assert(
      fc.property(texts, fc.array(span, { minLength: 5, maxLength: 5 }), (parts, five) => {
        const text = parts.join("")
        const stands = (needle: string): boolean =>
          Array.from(text, (_, i) => i).some(
            (i) =>
              text.startsWith(needle, i) &&
              !five.some(([from, length]) => from <= i && i + needle.length <= from + length),
          )
        const wanted = Number(stands("abab")) + 2 * Number(stands("baaba"))
        for (const desk of desks) {
          putNeedles(desk, list)
          layEvents(desk, [bytesOf(text)], new Uint8Array(0))
          const at = desk.view.getUint32(desk.rows + rowField.offset, true)
          for (const [i, [from, length]] of five.entries()) {
            desk.view.setUint32(desk.rows + rowField.id + 8 * i, at + from, true)
            desk.view.setUint32(desk.rows + rowField.id + 8 * i + 4, length, true)
          }
          desk.core.mention(desk.rows, 1, desk.needles)
          expect([desk.core.kind, mentionsOf(desk, 0)]).toEqual([desk.core.kind, wanted])
          desk.core.memory.fill(0, desk.rows, desk.rows + rowBytes)
        }
      }),
      { numRuns: 500 },
    )
  })
})
