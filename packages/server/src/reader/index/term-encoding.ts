import { crc32 } from "node:zlib"
import { ByteList } from "./growing.ts"
import { bytesOf } from "./part-format.ts"
import { RiceWriter, riceBits } from "./rice.ts"
import { blockRows, type TokenBlocks } from "./token-blocks.ts"

/**
 * How a term's postings are written. What follows the hash is block * 2 + 1 for a term in one block, and else
 * (count * 4 + kind) * 2; then the lists.
 */
export const postingKinds = { blocks: 0, rowList: 1, rowBitmap: 2, everywhere: 3 } as const
/** Terms that are read together and have one sum. */
export const termsPerPiece = 128
export const skipWords = 3
/** A term in at most this part of the blocks, or in so few, is posted by blocks; others by rows. */
const rareShare = 1 / 16
const rareBlocksMin = 8
/** A list of rows that is longer than this part of a bitmap becomes one: it is quicker to read. */
const listShare = 3 / 4
/** A term in more than this part of the rows narrows nothing. */
const everywhereShare = 15 / 16

export interface EncodedTerms {
  /** For each piece of 128 terms: u32 hash of its first, u32 where it begins, u32 CRC-32. Then u32 end of the last. */
  readonly skips: Uint8Array
  readonly terms: Uint8Array
  readonly rows: Uint8Array
}

/** Sorts the tokens of these blocks by hash and writes each term's postings. `rows`: entries from the first block on. */
export function encodeTerms(
  tokens: TokenBlocks,
  fromBlock: number,
  toBlock: number,
  rows: number,
): EncodedTerms {
  const from = fromBlock === 0 ? 0 : (tokens.ends.values[fromBlock - 1] as number)
  const to = toBlock === 0 ? 0 : (tokens.ends.values[toBlock - 1] as number)
  const hashes = tokens.hashes.values.subarray(from, to)
  const masks = tokens.rows.values.subarray(from, to)
  const blockOf = new Uint16Array(to - from)
  for (let block = fromBlock, at = from; block < toBlock; block++) {
    const end = tokens.ends.values[block] as number
    blockOf.fill(block - fromBlock, at - from, end - from)
    at = end
  }
  const order = sortByHash(hashes)
  const out = new TermWriter(toBlock - fromBlock, rows, order, blockOf, masks)
  for (let start = 0; start < order.length; ) {
    const hash = hashes[order[start] as number] as number
    let end = start + 1
    while (end < order.length && hashes[order[end] as number] === hash) end += 1
    out.term(hash, start, end)
    start = end
  }
  return out.end()
}

/** The order of the hashes: three passes over eleven bits each, which keep what is equal as it stands. */
export function sortByHash(hashes: Uint32Array): Uint32Array {
  let order = Uint32Array.from({ length: 0 })
  let keys = hashes
  for (const shift of [0, 11, 22]) {
    const starts = new Uint32Array(2049)
    for (let i = 0; i < keys.length; i++) {
      const digit = (((keys[i] as number) >>> shift) & 0x7ff) + 1
      starts[digit] = (starts[digit] as number) + 1
    }
    for (let digit = 1; digit < 2049; digit++) {
      starts[digit] = (starts[digit] as number) + (starts[digit - 1] as number)
    }
    const nextOrder = new Uint32Array(keys.length)
    const nextKeys = new Uint32Array(keys.length)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number
      const digit = (key >>> shift) & 0x7ff
      const at = starts[digit] as number
      starts[digit] = at + 1
      nextKeys[at] = key
      nextOrder[at] = shift === 0 ? i : (order[i] as number)
    }
    order = nextOrder
    keys = nextKeys
  }
  return order
}

class TermWriter {
  readonly #blocks: number
  readonly #rows: number
  readonly #order: Uint32Array
  readonly #blockOf: Uint16Array
  readonly #masks: Uint32Array
  readonly #skips = new ByteList()
  readonly #terms = new ByteList()
  readonly #lists = new ByteList()
  #count = 0
  #pieceAt = 0
  #pieceHash = 0
  #before = 0

  constructor(
    blocks: number,
    rows: number,
    order: Uint32Array,
    blockOf: Uint16Array,
    masks: Uint32Array,
  ) {
    this.#blocks = blocks
    this.#rows = rows
    this.#order = order
    this.#blockOf = blockOf
    this.#masks = masks
  }

  /** The term whose pairs stand at `[start, end)` of the order. */
  term(hash: number, start: number, end: number): void {
    if (this.#count % termsPerPiece === 0) {
      this.#endPiece()
      this.#pieceHash = hash
      this.#before = hash
    }
    this.#count += 1
    this.#terms.varint(hash - this.#before)
    this.#before = hash
    const blocks = end - start
    if (blocks <= Math.max(rareBlocksMin, this.#blocks * rareShare)) this.#blockList(start, end)
    else this.#rowPostings(start, end)
  }

  #endPiece(): void {
    if (this.#count === 0) return
    const piece = this.#terms.bytes.subarray(this.#pieceAt, this.#terms.length)
    this.#skips.append(bytesOf(Uint32Array.of(this.#pieceHash, this.#pieceAt, crc32(piece))))
    this.#pieceAt = this.#terms.length
  }

  #blockList(start: number, end: number): void {
    if (end - start === 1) {
      this.#terms.varint((this.#blockOf[this.#order[start] as number] as number) * 2 + 1)
      return
    }
    this.#terms.varint(((end - start) * 4 + postingKinds.blocks) * 2)
    let before = -1
    for (let i = start; i < end; i++) {
      const block = this.#blockOf[this.#order[i] as number] as number
      this.#terms.varint(block - before - 1)
      before = block
    }
  }

  #rowPostings(start: number, end: number): void {
    let count = 0
    for (let i = start; i < end; i++)
      count += bitCount(this.#masks[this.#order[i] as number] as number)
    if (count > this.#rows * everywhereShare) {
      this.#terms.varint((count * 4 + postingKinds.everywhere) * 2)
      return
    }
    const at = this.#lists.length
    const listBytesMax = this.#blocks * 4 * listShare
    // A distance takes two bits at least.
    if (count / 4 < listBytesMax) {
      this.#rowList(start, end, count)
      if (this.#lists.length - at < listBytesMax) {
        this.#posting(postingKinds.rowList, count, at)
        return
      }
      this.#lists.length = at
    }
    this.#rowBitmap(start, end)
    this.#posting(postingKinds.rowBitmap, count, at)
  }

  #posting(kind: number, count: number, at: number): void {
    const list = this.#lists.bytes.subarray(at, this.#lists.length)
    this.#terms.varint((count * 4 + kind) * 2)
    this.#terms.varint(at)
    this.#terms.varint(list.length)
    this.#terms.varint(crc32(list))
  }

  #rowList(start: number, end: number, count: number): void {
    const bits = new RiceWriter(this.#lists, riceBits(this.#rows, count))
    let before = -1
    for (let i = start; i < end; i++) {
      const pair = this.#order[i] as number
      const base = (this.#blockOf[pair] as number) * blockRows
      for (let mask = this.#masks[pair] as number; mask !== 0; mask &= mask - 1) {
        const row = base + 31 - Math.clz32(mask & -mask)
        bits.push(row - before - 1)
        before = row
      }
    }
    bits.end()
  }

  #rowBitmap(start: number, end: number): void {
    const words = new Uint32Array(this.#blocks)
    for (let i = start; i < end; i++) {
      const pair = this.#order[i] as number
      words[this.#blockOf[pair] as number] = this.#masks[pair] as number
    }
    this.#lists.append(bytesOf(words))
  }

  end(): EncodedTerms {
    this.#endPiece()
    this.#skips.append(bytesOf(Uint32Array.of(this.#terms.length)))
    return { skips: this.#skips.taken(), terms: this.#terms.taken(), rows: this.#lists.taken() }
  }
}

export function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
