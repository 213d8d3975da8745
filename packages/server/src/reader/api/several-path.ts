import { assert } from "@postern/log/base"
import { hashBytes, nodeHash, rangeRoot, tileWidth, tileWidthMax } from "@postern/log/tlog"
import type { LogView } from "../../disk/index.ts"

/**
 * Proves several entries at once (docs/reference/read-api.md, "One path for several entries"): walking the tree of `size` entries
 * from its root, left before right, the hash of each largest subtree that holds none of them. For one entry these are the
 * hashes of its audit path; for neighbours it costs little more than for one.
 * @param indexes distinct, ascending, all below `size`; at least one
 */
export async function proveSeveral(
  view: LogView,
  indexes: readonly number[],
  size: number,
): Promise<Uint8Array[]> {
  assert(indexes.length > 0, "there is something to prove")
  assert((indexes.at(-1) ?? size) < size, "only entries of the tree are proven")
  const subtrees: Subtree[] = []
  collectOthers(indexes, 0, indexes.length, { from: 0, to: size }, subtrees)
  const read = tileReader(view, size)
  const path: Uint8Array[] = []
  // One after the other: neighbours share a tile, and a long path does not crowd out other requests.
  for (const subtree of subtrees) path.push(await subtreeHash(subtree, read))
  return path
}

/** Entries `[from, to)`, a subtree that RFC 6962 §2.1 splits the tree into. */
interface Subtree {
  readonly from: number
  readonly to: number
}

/** `indexes[low, high)` are those that lie in `tree`. */
function collectOthers(
  indexes: readonly number[],
  low: number,
  high: number,
  tree: Subtree,
  others: Subtree[],
): void {
  const { from, to } = tree
  if (low === high) {
    others.push(tree)
    return
  }
  if (high - low === to - from) return
  const middle = from + splitPoint(to - from)
  let between = low
  while (between < high && (indexes[between] as number) < middle) between++
  collectOthers(indexes, low, between, { from, to: middle }, others)
  collectOthers(indexes, between, high, { from: middle, to }, others)
}

/** The largest power of two below n, for n >= 2. */
function splitPoint(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

type ReadHashes = (level: number, from: number, to: number) => Promise<Uint8Array>

/** Reads whole tiles of the tree of `size` and keeps the newest few, since a path goes from left to right. */
function tileReader(view: LogView, size: number): ReadHashes {
  const tiles = new Map<number, { tile: number; hashes: Uint8Array }>()
  return async (level, from, to) => {
    const tile = Math.floor(from / tileWidthMax)
    const start = tile * tileWidthMax
    let held = tiles.get(level)
    if (held?.tile !== tile) {
      const width = tileWidth(level, tile, size)
      held = { tile, hashes: await view.hashes(level, start, start + width) }
      tiles.set(level, held)
    }
    return held.hashes.subarray(hashBytes * (from - start), hashBytes * (to - start))
  }
}

/** Tree hash (RFC 6962 §2.1) of a subtree, folded from the full nodes that it consists of. */
async function subtreeHash({ from, to }: Subtree, read: ReadHashes): Promise<Uint8Array> {
  const peaks: Uint8Array[] = []
  for (let at = from; at < to; ) {
    let level = 0
    let width = 1
    while (at + 2 * width <= to && at % (2 * width) === 0) {
      width *= 2
      level++
    }
    const tileLevel = Math.floor(level / 8)
    const unit = tileWidthMax ** tileLevel
    const hashes = await read(tileLevel, at / unit, (at + width) / unit)
    peaks.push(rangeRoot(at / unit, hashes))
    at += width
  }
  return peaks.reduceRight((right, left) => nodeHash(left, right))
}
