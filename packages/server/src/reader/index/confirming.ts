import { equalBytes } from "@postern/log/base"
import { matches, mayMatch, type Query } from "@postern/log/query"
import { leafHash } from "@postern/log/tlog"
import type { AskedWorld } from "./asked-world.ts"
import type { Part } from "./part.ts"
import { PartDamaged } from "./part-source.ts"
import type { IndexHit } from "./search-index.ts"
import { blockRows } from "./token-blocks.ts"
import { readLeaf } from "./writers.ts"

/**
 * Reads the candidates of a block (`word`: a bit for each row) from the log and gives those that fulfil the query, in order. Every one
 * of them is what the log's own hashes say stands at its index.
 * @throws PartDamaged if the index says otherwise · PosternError LOG_DAMAGED
 */
export async function confirmBlock(
  world: AskedWorld,
  part: Part,
  block: number,
  word: number,
  query: Query,
): Promise<IndexHit[]> {
  const candidates: IndexHit[] = []
  // None behind the last candidate.
  const rows = 32 - Math.clz32(word)
  const leaves = world.rows.block(part, block, world.segmentOf(part), rows)
  const first = part.first + block * blockRows
  for (const [i, leaf] of leaves.entries()) {
    // What was read is overwritten by whoever reads next, and that may be somebody else.
    if ((word & (1 << i)) !== 0 && mayMatch(query, leaf)) {
      candidates.push({ index: first + i, leaf: new Uint8Array(leaf) })
    }
  }
  const hits: IndexHit[] = []
  for (const candidate of candidates) {
    const { index, leaf } = candidate
    const entry = readLeaf(index, leaf)
    const { open } = entry.stamp
    const writer = world.writers.known(open) ?? (await world.writers.of(open, index))
    if (matches(query, entry, { index, writer })) hits.push(candidate)
  }
  if (hits.length > 0) demandLeaves(world, hits)
  return hits
}

function demandLeaves({ rows }: AskedWorld, hits: readonly IndexHit[]): void {
  const from = (hits[0] as IndexHit).index
  const to = (hits.at(-1) as IndexHit).index + 1
  const hashes = rows.hashes(from, to)
  for (const { index, leaf } of hits) {
    const at = (index - from) * 32
    if (!equalBytes(leafHash(leaf), hashes.subarray(at, at + 32))) {
      throw new PartDamaged(`entry ${index} stands elsewhere in the log`)
    }
  }
}
