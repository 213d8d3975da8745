import { assert, PosternError } from "../base/index.ts"
import { hashAt, hashBytes, nodeHash } from "./hash.ts"

/**
 * Hashes `[from, to)` of tile level L, 32 bytes each, concatenated: the full nodes of tree level 8
 * * L. Asked for at most 256 at a time, all of one tile, and never beyond the full nodes of the
 * tree in question.
 */
export type ReadHashes = (
  level: number,
  from: number,
  to: number,
) => Uint8Array | Promise<Uint8Array>

/**
 * The node above a power of two of neighbouring nodes of one level, which stand one after the
 * other, 32 bytes each: what foldHashes computes.
 */
export type FoldHashes = (hashes: Uint8Array) => Uint8Array

/**
 * Entries `[from, to)` of the tree, `from < to`; `from` is a multiple of the power of two at or
 * above `to - from`.
 */
export interface Subtree {
  readonly from: number
  readonly to: number
}

/** The largest power of two below n, for n >= 2: where RFC 6962 splits a tree of n leaves. */
export function splitPoint(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

const tileHashes = 256
const tileLevels = 8

/** A run of hashes of one tile, `[from, to)` counted from the start of the tile level. */
interface Span {
  from: number
  to: number
}

/** Where a full node comes from: its hash is folded from hashes `[from, to)` of the tile level. */
interface FullNode extends Readonly<Span> {
  readonly level: number
}

/**
 * Tree hashes (RFC 6962 §2.1) of the subtrees. First every hash that is needed is named, then each
 * tile is read once, then the rest is arithmetic.
 * @param fold for whoever has a quicker way to hash
 * @throws PosternError LOG_DAMAGED if `read` answers with another number of bytes than it was asked
 *   for
 */
export async function subtreeHashes(
  subtrees: readonly Subtree[],
  read: ReadHashes,
  fold: FoldHashes = foldHashes,
): Promise<Uint8Array[]> {
  const peaks = subtrees.map(fullNodesOf)
  const tiles = await readTiles(peaks.flat(), read)
  return peaks.map((nodes) => {
    const hashes = nodes.map((node) => fold(hashesOf(node, tiles)))
    return hashes.reduceRight((right, left) => nodeHash(left, right))
  })
}

/** The full nodes that a subtree consists of, left to right; one for each set bit of its length. */
function fullNodesOf({ from, to }: Subtree): FullNode[] {
  const nodes: FullNode[] = []
  let at = from
  while (at < to) {
    let level = 0
    let width = 1
    while (at + 2 * width <= to && at % (2 * width) === 0) {
      width *= 2
      level++
    }
    const tileLevel = Math.floor(level / tileLevels)
    const unit = 2 ** (tileLevels * tileLevel)
    nodes.push({ level: tileLevel, from: at / unit, to: (at + width) / unit })
    at += width
  }
  return nodes
}

interface TileSpan extends Span {
  hashes: Uint8Array
}

type TileSpans = ReadonlyMap<string, TileSpan>

function tileKey(node: FullNode): string {
  return `${node.level}/${Math.floor(node.from / tileHashes)}`
}

/** Reads, of each tile that any of the nodes needs, the one span that holds them all. */
async function readTiles(nodes: readonly FullNode[], read: ReadHashes): Promise<TileSpans> {
  const spans = new Map<string, TileSpan & { level: number }>()
  for (const node of nodes) {
    const span = spans.get(tileKey(node))
    if (span === undefined) {
      spans.set(tileKey(node), { ...node, hashes: new Uint8Array() })
    } else {
      span.from = Math.min(span.from, node.from)
      span.to = Math.max(span.to, node.to)
    }
  }
  const readSpan = async (span: TileSpan & { level: number }) => {
    span.hashes = await read(span.level, span.from, span.to)
    const bytes = hashBytes * (span.to - span.from)
    if (span.hashes.length !== bytes) {
      const where = `hashes [${span.from}, ${span.to}) of tile level ${span.level}`
      throw new PosternError("LOG_DAMAGED", `${where}: ${span.hashes.length} bytes, not ${bytes}`)
    }
  }
  await Promise.all([...spans.values()].map(readSpan))
  return spans
}

function hashesOf(node: FullNode, tiles: TileSpans): Uint8Array {
  const span = tiles.get(tileKey(node))
  assert(span !== undefined, "every tile that a node needs was read")
  const start = hashBytes * (node.from - span.from)
  return span.hashes.subarray(start, start + hashBytes * (node.to - node.from))
}

function foldHashes(hashes: Uint8Array): Uint8Array {
  let row: Uint8Array[] = []
  for (let i = 0; i < hashes.length / hashBytes; i++) row.push(hashAt(hashes, i))
  while (row.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < row.length; i += 2) {
      above.push(nodeHash(row[i] as Uint8Array, row[i + 1] as Uint8Array))
    }
    row = above
  }
  return row[0] as Uint8Array
}
