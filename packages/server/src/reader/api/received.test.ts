import { encodeUtf8 } from "@postern/log/base"
import { deriveNonce, formatStamp } from "@postern/log/event"
import fc from "fast-check"
import { expect, test } from "vitest"
import type { LogView } from "../../disk/index.ts"
import { firstReceivedSince } from "./received.ts"

/** A log with entries of these times, and how many of its entries were read, and how often. */
function logOf(times: readonly number[], minimum = 0) {
  const read = { entries: 0, calls: 0 }
  const nonce = deriveNonce(new Uint8Array(16), 0)
  const leafOf = (received: number): Uint8Array =>
    encodeUtf8(`${formatStamp({ received, open: 0, sequence: 0, nonce, changed: 0 })}\n{}`)
  const view = {
    head: () => ({ size: times.length, minimum, time: times.at(-1) ?? 0 }),
    leaves: async (from: number, to: number) => {
      read.calls += 1
      read.entries += to - from
      return times.slice(from, to).map(leafOf)
    },
  }
  return { view: view as unknown as LogView, read }
}

const even = Array.from({ length: 100_000 }, (_, i) => 1_000_000 + 1000 * i)

/** Entries that come in bursts, also many at the same time. */
const bursts = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 0, max: 9_000_000 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((all) => {
    const times: number[] = []
    for (const [count, pause] of all) {
      const begin = (times.at(-1) ?? 0) + pause
      for (let i = 0; i < count; i++) times.push(begin + (count % 3) * i)
    }
    return times
  })

test("is the first entry of that time or later, in a log of any size, wherever it begins", async () => {
  await fc.assert(
    fc.asyncProperty(bursts, fc.nat(), fc.nat(), fc.nat(), async (times, m, s, t) => {
      const size = s % (times.length + 1)
      const minimum = m % (size + 1)
      const time = t % 2 === 0 ? (times[t % times.length] as number) : t % 10_000_000
      const first = times.findIndex((at, i) => i >= minimum && at >= time)
      const wanted = first < 0 ? size : Math.min(first, size)
      const { view, read } = logOf(times, minimum)
      expect(await firstReceivedSince(view, size, time)).toBe(wanted)
      expect(read.calls).toBeLessThan(3 + 2 * Math.log2(times.length + 1))
    }),
  )
})

test("reads little where entries came evenly, and nothing of what it found before", async () => {
  const { view, read } = logOf(even)
  const time = even[12_345] as number
  expect(await firstReceivedSince(view, even.length, time)).toBe(12_345)
  expect(read.entries).toBeLessThan(64 + 10)
  const { entries } = read
  expect(await firstReceivedSince(view, even.length, time)).toBe(12_345)
  expect(await firstReceivedSince(view, 12_000, time)).toBe(12_000)
  expect(read.entries).toBe(entries)
})
