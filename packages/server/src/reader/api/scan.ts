import { matches, mayMatch, type Query } from "@postern/log/query"
import type { LogView } from "../../disk/index.ts"
import type { SearchPosition } from "./cursor.ts"
import { type Openings, type ReadEntry, readEntry } from "./entry.ts"

export interface ScanPlan {
  readonly view: LogView
  readonly openings: Openings
  readonly query: Query
  readonly position: SearchPosition
  readonly order: "desc" | "asc"
  readonly budget: ScanBudget
  elapsedMs(): number
}

export interface ScanBudget {
  /** Rows to find, and their leaf bytes (the first is always taken). */
  readonly rows: number
  readonly bytes: number
  /** Entries to examine, and the time for it: looked at after each stretch, so at least one is examined. */
  readonly entries: number
  readonly ms: number
}

export interface Scan {
  /** In the order of the scan. */
  readonly rows: readonly ReadEntry[]
  /** What is left to examine; `from === to` if nothing is. */
  readonly rest: SearchPosition
}

const stretchEntries = 2048
const stretchBytes = 2_097_152

/**
 * Holds entries against the query, from the log alone, until the range or the budget is used up. Reads in stretches, so
 * that other requests get their turn in between and memory stays bounded whatever is in the log.
 */
export async function scan(plan: ScanPlan): Promise<Scan> {
  const { view, query, position, order, budget, elapsedMs } = plan
  const rows: ReadEntry[] = []
  const deadline = elapsedMs() + budget.ms
  // Where every entry is a row, no more are read than are given.
  const width = query.kind === "all" ? Math.min(stretchEntries, budget.rows) : stretchEntries
  let { from, to } = position
  let bytes = 0
  let examined = 0
  const end = (): Scan => ({ rows, rest: { size: position.size, from, to } })
  do {
    const stretch = from < to ? await readStretch(view, from, to, order, width) : []
    for (const leaf of stretch) {
      // Nearly all leaves end here: no object, no promise.
      const row = mayMatch(query, leaf.leaf) ? await match(plan, leaf) : undefined
      if (row !== undefined) {
        if (rows.length > 0 && bytes + row.leaf.length > budget.bytes) return end()
        bytes += row.leaf.length
        rows.push(row)
      }
      examined++
      if (order === "asc") from = leaf.index + 1
      else to = leaf.index
      if (rows.length >= budget.rows) return end()
    }
  } while (from < to && examined < budget.entries && elapsedMs() < deadline)
  return end()
}

interface Leaf {
  readonly index: number
  readonly leaf: Uint8Array
}

async function match(
  { query, openings }: ScanPlan,
  { index, leaf }: Leaf,
): Promise<ReadEntry | undefined> {
  const row = readEntry(index, leaf)
  const { writer } = await openings.of(row)
  return matches(query, row.entry, { index, writer }) ? row : undefined
}

/**
 * The next leaves in the order of the scan, at least one. Stretches lie on multiples of their length, where the log can be
 * entered.
 */
async function readStretch(
  view: LogView,
  from: number,
  to: number,
  order: "desc" | "asc",
  width: number,
): Promise<readonly Leaf[]> {
  if (order === "asc") {
    const next = (Math.floor(from / width) + 1) * width
    return readLeaves(view, from, Math.min(to, next))
  }
  let low = Math.max(from, Math.floor((to - 1) / width) * width)
  for (;;) {
    const leaves = await readLeaves(view, low, to)
    if (leaves.length === to - low) return leaves.reverse()
    // The view stopped at its byte limit, and going down the end comes first: try with fewer.
    low = to - Math.max(1, Math.floor(leaves.length / 2))
  }
}

async function readLeaves(view: LogView, from: number, to: number): Promise<Leaf[]> {
  const leaves = await view.leaves(from, to, stretchBytes)
  return leaves.map((leaf, i) => ({ index: from + i, leaf }))
}
