import { formatBase64 } from "@postern/log/base"
import { proveSeveral } from "@postern/log/tlog"
import type { Desk } from "./desk.ts"
import { type EntryJson, formatEntry, type ReadEntry } from "./entry.ts"

export interface SeveralProof {
  readonly size: number
  readonly path: readonly string[]
}

/** Rows with everything one needs to believe them, from the log's key alone. */
export interface Page {
  readonly entries: readonly EntryJson[]
  /** Opening entries of their streams that are not among them, ascending. */
  readonly openings: readonly EntryJson[]
  /** Entries next to those, which show where the answer may end. */
  readonly neighbours?: readonly EntryJson[]
  readonly checkpoint?: string
  /** Covers all entries, openings and neighbours below its size. Absent if there are none. */
  readonly proof?: SeveralProof
}

/**
 * @param rows distinct, in the order in which they are given out
 * @param neighbours none of the rows
 */
export async function makePage(
  desk: Desk,
  rows: readonly ReadEntry[],
  neighbours: readonly ReadEntry[] = [],
): Promise<Page> {
  const { openings, checkpoints } = desk
  const entries: EntryJson[] = []
  const own = new Set(rows.map((row) => row.index))
  const opened = new Map<number, EntryJson>()
  for (const row of rows) {
    const opening = await openings.of(row)
    entries.push(formatEntry(row, opening.writer))
    if (own.has(opening.index) || opened.has(opening.index)) continue
    opened.set(opening.index, formatEntry(opening, (await openings.of(opening)).writer))
  }
  const beside: EntryJson[] = []
  for (const row of neighbours) beside.push(formatEntry(row, (await openings.of(row)).writer))
  const shown = new Set([...own, ...opened.keys(), ...beside.map(({ index }) => index)])
  const indexes = [...shown].sort((a, b) => a - b)
  const newest = await checkpoints.newest()
  const proof = newest === undefined ? undefined : await proveIndexes(desk, indexes, newest.size)
  desk.counters.questions++
  desk.counters.entries += rows.length
  return {
    entries,
    openings: [...opened.values()].sort((a, b) => a.index - b.index),
    ...(neighbours.length === 0 ? {} : { neighbours: beside }),
    ...(newest === undefined ? {} : { checkpoint: newest.note }),
    ...(proof === undefined ? {} : { proof }),
  }
}

/**
 * One path for those of the indexes that the tree of `size` holds; undefined if it holds none.
 * @param indexes distinct, ascending
 */
export async function proveIndexes(
  { world: { view }, fold }: Pick<Desk, "world" | "fold">,
  indexes: readonly number[],
  size: number,
): Promise<SeveralProof | undefined> {
  const covered = indexes.filter((index) => index < size)
  if (covered.length === 0) return undefined
  const path = await proveSeveral(covered, size, (...span) => view.hashes(...span), fold)
  return { size, path: path.map(formatBase64) }
}
