import {
  encodeUtf8,
  equalBytes,
  formatHex,
  PosternError,
  parseHex,
  sha256,
} from "@postern/log/base"
import type { SegmentStart } from "../disk/index.ts"

const peaks = 64
const members = "first generation slot previous frontier state"

/**
 * The `.start` of a segment as an origin sent it. Taken only if the store would write the same bytes again. Errors:
 * LOG_DAMAGED.
 */
export function parseSegmentStart(text: string): SegmentStart {
  const [line = "", digest] = text.split("\n")
  let value: Readonly<Record<string, unknown>>
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new PosternError("LOG_DAMAGED", "the origin's .start is not JSON", { cause })
  }
  const names = Object.keys(value ?? {}).join(" ")
  const whole = text === `${line}\n${digest}\n` && digest === formatHex(sha256(encodeUtf8(line)))
  if (!whole || JSON.stringify(value) !== line) throw unlike()
  if (names !== members && names !== members.replace(" state", "")) throw unlike()
  const { first, generation, slot, previous, frontier, state } = value
  if (!isCount(first) || !isCount(generation) || !isCount(slot)) throw unlike()
  if (!Array.isArray(frontier) || frontier.length !== peaks) throw unlike()
  const joined = new Uint8Array(peaks * 32)
  for (const [level, peak] of frontier.entries()) joined.set(hash(peak), level * 32)
  return { first, generation, slot, previous: hash(previous), frontier: joined, state }
}

/** Only the peaks that a tree of this size has count: the other places may hold anything. */
export function samePeaks(size: number, a: Uint8Array, b: Uint8Array): boolean {
  for (let level = 0; 2 ** level <= size; level++) {
    if (Math.floor(size / 2 ** level) % 2 === 0) continue
    const [from, to] = [level * 32, (level + 1) * 32]
    if (!equalBytes(a.subarray(from, to), b.subarray(from, to))) return false
  }
  return true
}

function hash(value: unknown): Uint8Array {
  const bytes = typeof value === "string" ? parseHex(value) : undefined
  if (bytes?.length !== 32) throw unlike()
  return bytes
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}

function unlike(): PosternError {
  return new PosternError("LOG_DAMAGED", "the origin's .start is not what a port writes")
}
