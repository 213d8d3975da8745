import { assert, limits } from "../base/index.ts"
import { demand } from "./demand.ts"
import { tileWidthMax } from "./tile.ts"

/**
 * An entry bundle of tlog-tiles: for each entry `u16be length | entry`.
 * @param entries 1 to 256, each at most 65,535 bytes
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  assert(entries.length >= 1 && entries.length <= tileWidthMax, "a bundle has 1 to 256 entries")
  let bytes = 0
  for (const entry of entries) bytes += 2 + entry.length
  const bundle = new Uint8Array(bytes)
  const view = new DataView(bundle.buffer)
  let at = 0
  for (const entry of entries) {
    assert(entry.length <= limits.entryBytesMax, "an entry fits a u16 length")
    view.setUint16(at, entry.length)
    bundle.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bundle
}

/**
 * The entries of a bundle, as views of it.
 * @throws PosternError LOG_DAMAGED unless the bytes are exactly 1 to 256 entries
 */
export function decodeEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = []
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength)
  let at = 0
  while (at < bundle.length) {
    demand(at + 2 <= bundle.length, "LOG_DAMAGED", "an entry bundle ends within a length")
    const start = at + 2
    at = start + view.getUint16(at)
    demand(at <= bundle.length, "LOG_DAMAGED", "an entry bundle ends within an entry")
    entries.push(bundle.subarray(start, at))
    demand(entries.length <= tileWidthMax, "LOG_DAMAGED", "an entry bundle holds over 256 entries")
  }
  demand(entries.length > 0, "LOG_DAMAGED", "an entry bundle is empty")
  return entries
}
