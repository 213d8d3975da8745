import { PartDamaged } from "./part-source.ts"
import { riceBits, setRiceRows } from "./rice.ts"
import type { Rows } from "./rows.ts"
import { postingKinds, skipWords, termsPerPiece } from "./term-encoding.ts"
import { readVarint, type VarintCursor } from "./varint.ts"

export interface TermIndex {
  /** As encodeTerms writes them. */
  readonly skips: Uint32Array
  readonly blocks: number
  readonly rows: number
}

/** Bytes of the two sections of terms, checked. */
export interface TermBytes {
  terms(at: number, length: number, crc: number): Uint8Array
  rows(at: number, length: number, crc: number): Uint8Array
}

/** Rows in which a token with this hash may stand. @throws PartDamaged */
export function findTerm(index: TermIndex, bytes: TermBytes, hash: number): Rows {
  const { skips } = index
  const pieces = (skips.length - 1) / skipWords
  let low = 0
  let high = pieces
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((skips[middle * skipWords] as number) <= hash) low = middle + 1
    else high = middle
  }
  if (low === 0) return "none"
  const piece = low - 1
  const [at, end] = pieceBounds(skips, piece)
  const section = bytes.terms(at, end - at, skips[piece * skipWords + 2] as number)
  const cursor: VarintCursor = { bytes: section, at: 0, end: section.length }
  let term = skips[piece * skipWords] as number
  for (let i = 0; i < termsPerPiece && cursor.at < cursor.end; i++) {
    term += readVarint(cursor)
    if (term > hash) return "none"
    const tag = readVarint(cursor)
    if (term === hash) return readPostings(index, bytes, cursor, tag)
    skipPostings(cursor, tag)
  }
  return "none"
}

/** Hashes of all terms, ascending. @throws PartDamaged */
export function readTermHashes(skips: Uint32Array, bytes: TermBytes): Uint32Array {
  const pieces = (skips.length - 1) / skipWords
  const hashes = new Uint32Array(pieces * termsPerPiece)
  let count = 0
  for (let piece = 0; piece < pieces; piece++) {
    const [at, end] = pieceBounds(skips, piece)
    const section = bytes.terms(at, end - at, skips[piece * skipWords + 2] as number)
    const cursor: VarintCursor = { bytes: section, at: 0, end: section.length }
    let term = skips[piece * skipWords] as number
    for (let i = 0; i < termsPerPiece && cursor.at < cursor.end; i++) {
      term += readVarint(cursor)
      hashes[count++] = term
      skipPostings(cursor, readVarint(cursor))
    }
  }
  return hashes.subarray(0, count)
}

function pieceBounds(skips: Uint32Array, piece: number): readonly [at: number, end: number] {
  const pieces = (skips.length - 1) / skipWords
  const at = skips[piece * skipWords + 1] as number
  const end = skips[
    piece + 1 === pieces ? pieces * skipWords : (piece + 1) * skipWords + 1
  ] as number
  if (end < at) throw new PartDamaged("terms: pieces")
  return [at, end]
}

function skipPostings(cursor: VarintCursor, tag: number): void {
  if (tag % 2 === 1) return
  const kind = (tag / 2) % 4
  if (kind === postingKinds.everywhere) return
  for (let left = kind === postingKinds.blocks ? Math.floor(tag / 8) : 3; left > 0; left--) {
    readVarint(cursor)
  }
}

function readPostings(index: TermIndex, bytes: TermBytes, cursor: VarintCursor, tag: number): Rows {
  const words = new Int32Array(index.blocks)
  if (tag % 2 === 1) {
    const block = (tag - 1) / 2
    if (block >= index.blocks) throw new PartDamaged("postings: a block beyond the last")
    words[block] = -1
    return words
  }
  const kind = (tag / 2) % 4
  const count = Math.floor(tag / 8)
  if (kind === postingKinds.everywhere) return "all"
  if (kind === postingKinds.blocks) {
    let block = -1
    for (let left = count; left > 0; left--) {
      block += readVarint(cursor) + 1
      if (block >= index.blocks) throw new PartDamaged("postings: a block beyond the last")
      words[block] = -1
    }
    return words
  }
  const at = readVarint(cursor)
  const length = readVarint(cursor)
  const section = bytes.rows(at, length, readVarint(cursor))
  if (kind === postingKinds.rowBitmap) {
    if (length !== index.blocks * 4) throw new PartDamaged("postings: bitmap")
    // They stand at any byte.
    new Uint8Array(words.buffer).set(section)
    return words
  }
  if (count === 0 || count > index.rows) throw new PartDamaged("postings: count")
  setRiceRows(section, riceBits(index.rows, count), count, index.rows, words)
  return words
}
