import fc from "fast-check"
import { expect, test } from "vitest"
import { parseHex } from "../base/index.ts"
import { createEventId } from "./event-id.ts"

const random = (hex: string): Uint8Array => parseHex(hex) ?? new Uint8Array(0)

test("an event id is the UUIDv7 of RFC 9562 appendix A.6", () => {
  const now = new Date("2022-02-22T14:22:22.000-05:00")
  expect(createEventId(now, random("0000000000000cc318c4dc0c0c07398f"))).toBe(
    "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
  )
})

test("event ids have version 7 and the variant of RFC 9562, and sort by time", () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 })
  const time = fc.integer({ min: 0, max: 2 ** 48 - 2 })
  fc.assert(
    fc.property(time, bytes, bytes, (ms, one, other) => {
      const earlier = createEventId(new Date(ms), one)
      expect(earlier).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      )
      expect(earlier < createEventId(new Date(ms + 1), other)).toBe(true)
    }),
  )
})

test("an event id begins with its time, whichever time was asked for before", () => {
  const near = fc.integer({ min: 0x0193_0000_0000, max: 0x0193_0002_0000 })
  const time = fc.oneof(near, fc.integer({ min: 0, max: 2 ** 48 - 1 }))
  fc.assert(
    fc.property(time, (ms) => {
      const digits = createEventId(new Date(ms), new Uint8Array(16)).replace("-", "").slice(0, 12)
      expect(Number.parseInt(digits, 16)).toBe(ms)
    }),
    { numRuns: 1000 },
  )
})

test("an event id uses every random bit that its format leaves", () => {
  const now = new Date(0)
  expect(createEventId(now, new Uint8Array(16).fill(0xff))).toBe(
    "00000000-0000-7fff-bfff-ffffffffffff",
  )
  expect(createEventId(now, new Uint8Array(16))).toBe("00000000-0000-7000-8000-000000000000")
})
