import { basename } from "node:path"
import { PosternError } from "@postern/log/base"
import { boundToKey, decodePackedHeader, type PackedHeader, PackedTable } from "./packed-form.ts"
import { type SegmentKey, unwrapSegmentKey } from "./segment-keys.ts"

/** What a compressed file says of itself, held against what it is: the same for all who read it. */

/** The pieces of blocks that lie in a stretch of the segment; what is behind its end is left out. */
export function* partsOf(
  { bytes, blockBytes }: PackedHeader,
  at: number,
  length: number,
): Generator<{ readonly block: number; readonly from: number; readonly bytes: number }, void> {
  const end = Math.min(at + length, bytes)
  for (let place = at; place < end; ) {
    const block = Math.floor(place / blockBytes)
    const from = place - block * blockBytes
    const part = Math.min(end - place, blockBytes - from)
    yield { block, from, bytes: part }
    place += part
  }
}

/** Errors: LOG_DAMAGED. */
export function headerOf(path: string, start: Uint8Array, fileBytes: number): PackedHeader {
  const header = decodePackedHeader(start, fileBytes)
  if (header === undefined) {
    throw new PosternError("LOG_DAMAGED", `${path}: it is not a whole compressed segment`)
  }
  const named = Number(basename(path).slice(0, 16))
  if (header.lock === undefined || header.lock.first === named) return header
  const what = `it is the segment of entry ${header.lock.first}`
  throw new PosternError("LOG_DAMAGED", `${path}: ${what}`)
}

/** The key of an encrypted file, unwrapped once. Errors of what it gives: SEGMENT_LOCKED, LOG_DAMAGED. */
export function keyOf(path: string, header: PackedHeader): () => SegmentKey | undefined {
  const { lock } = header
  if (lock === undefined) return () => undefined
  let key: SegmentKey | undefined
  return () => {
    key ??= unwrapSegmentKey(path, lock, boundToKey(header))
    return key
  }
}

export function tableOf(path: string, header: PackedHeader, rows: Uint8Array): PackedTable {
  const table = PackedTable.read(header, rows)
  if (table !== undefined) return table
  throw new PosternError("LOG_DAMAGED", `${path}: the table of its blocks is another`)
}

export function damagedBlock(path: string, block: number, at: number): PosternError {
  const what = `block ${block} does not hold what the table says`
  return new PosternError("LOG_DAMAGED", `${path} at byte ${at}: ${what}`)
}
