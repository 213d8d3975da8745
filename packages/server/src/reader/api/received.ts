import { parseEntry } from "@postern/log/event"
import type { LogView } from "../../disk/index.ts"

/** So few entries stand together in the log: they are read in one go. */
const stretch = 64
const keptMax = 1024
/** What was found lately in each log that is open: the first entry of a time stays the first. */
const kept = new WeakMap<LogView, Map<number, number>>()

/**
 * The first index in `[minimum, size)` whose entry was received at `microseconds` or later, `size` if there is none. The
 * port sees to it that received times never go back along the log. Reads some six entries where they came evenly, and never
 * more than about 2 log2(size).
 */
export async function firstReceivedSince(
  view: LogView,
  size: number,
  microseconds: number,
): Promise<number> {
  const found = kept.get(view) ?? new Map<number, number>()
  kept.set(view, found)
  const { minimum } = view.head()
  const known = found.get(microseconds)
  if (known !== undefined) return Math.min(size, Math.max(known, minimum))
  const first = await look(view, size, microseconds)
  if (first < size) found.set(microseconds, first)
  if (found.size > keptMax) found.delete(found.keys().next().value as number)
  return first
}

async function look(view: LogView, size: number, microseconds: number): Promise<number> {
  const { minimum, time } = view.head()
  let [low, high] = [minimum, size]
  if (high - low > stretch) {
    let [lowTime, highTime] = [await receivedAt(view, low), time]
    for (let step = 0; high - low > stretch; step++) {
      const share = (microseconds - lowTime) / (highTime - lowTime)
      const at = step % 2 === 0 ? byShare(low, high, share) : Math.floor((low + high) / 2)
      const received = await receivedAt(view, at)
      if (received < microseconds) [low, lowTime] = [at + 1, received]
      else [high, highTime] = [at, received]
    }
  }
  while (low < high) {
    const times = (await view.leaves(low, high)).map(receivedOf)
    const at = times.findIndex((received) => received >= microseconds)
    if (at >= 0) return low + at
    low += times.length
  }
  return high
}

/**
 * Within `[low, high)`, where the time should stand if entries came evenly, or rather a little nearer to the middle: it is likely to
 * lie on the shorter side of what is looked at.
 */
function byShare(low: number, high: number, share: number): number {
  const [entries, middle] = [high - low, (low + high) / 2]
  const even = Number.isFinite(share) ? low + share * entries : middle
  const nearer = even < middle ? even + Math.sqrt(entries) : even - Math.sqrt(entries)
  return Math.min(high - 1, Math.max(low, Math.round(nearer)))
}

/** Microseconds. */
export async function receivedAt(view: LogView, index: number): Promise<number> {
  const [leaf] = await view.leaves(index, index + 1)
  return receivedOf(leaf as Uint8Array)
}

function receivedOf(leaf: Uint8Array): number {
  return parseEntry(leaf).stamp.received
}
