import { concatBytes, encodeUtf8, sha256 } from "@postern/log/base"
import fc from "fast-check"
import { expect, test } from "vitest"
import { decodeHead, encodeHead, headBytes } from "./head-record.ts"
import type { Head } from "./log-view.ts"

const u53 = fc.maxSafeNat()
const head: fc.Arbitrary<Head> = fc.record({
  ...{ slot: u53, size: u53, segment: u53, end: u53, time: u53, minimum: u53 },
  root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
})
const root = new Uint8Array(32).fill(7)
const places = { slot: 1, size: 0x1_0000_0002, segment: 3, end: 4, time: 5 }
const example: Head = { ...places, root, minimum: 6 }

test("a head stands as docs/spec/disk.md says", () => {
  const u64 = (low: number, high = 0) => [0, 0, 0, high, 0, 0, 0, low]
  const numbers = Uint8Array.from([...u64(1), ...u64(2, 1), ...u64(3), ...u64(4), ...u64(5)])
  const wanted = concatBytes(
    encodeUtf8("posthead"),
    numbers,
    root,
    Uint8Array.from(u64(6)),
    new Uint8Array(8),
  )
  expect(encodeHead(example)).toEqual(concatBytes(wanted, sha256(wanted)))
})

test("a head is read as it was written, from whatever memory", () => {
  fc.assert(
    fc.property(head, (of) => {
      const bytes = encodeHead(of)
      expect(decodeHead(bytes)).toEqual(of)
      const buffer = Buffer.concat([Buffer.alloc(3), bytes]).subarray(3)
      const found = decodeHead(buffer)
      buffer.fill(0)
      expect(found).toEqual(of)
    }),
  )
})

test("a head is none with any one bit flipped, torn at any byte, or of another length", () => {
  const bytes = encodeHead(example)
  for (let bit = 0; bit < headBytes * 8; bit++) {
    const flipped = bytes.slice()
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(decodeHead(flipped), `bit ${bit}`).toBeUndefined()
  }
  const newer = encodeHead({ ...example, slot: 2, size: 9, end: 8, time: 7 })
  for (let cut = 16; cut < headBytes; cut++) {
    const torn = concatBytes(newer.subarray(0, cut), bytes.subarray(cut))
    expect(decodeHead(torn), `torn at ${cut}`).toBeUndefined()
  }
  expect(decodeHead(bytes.subarray(1))).toBeUndefined()
  expect(decodeHead(concatBytes(bytes, Uint8Array.of(0)))).toBeUndefined()
  expect(decodeHead(new Uint8Array(headBytes))).toBeUndefined()
})
