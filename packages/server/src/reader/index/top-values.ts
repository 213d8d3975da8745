import type { Dictionary } from "./dictionary.ts"
import type { HashKey } from "./keyed-hash.ts"
import { type ColumnName, idFirst } from "./part-format.ts"
import type { ValueCount } from "./search-index.ts"
import type { Turns } from "./turns.ts"
import { leastOfTop, ValueCounts } from "./value-counts.ts"
import { formatValue } from "./value-places.ts"

/** How many rows of a part have each value of a column. */
export interface PartCounts {
  readonly dictionary: Dictionary
  /** All values that have `least` rows or more, each once, by their numbers: most questions look no further. */
  readonly listed: ListedCounts
  /** By number, as in the dictionary; undefined if all values that have any rows are listed. */
  readonly counts: Uint32Array | undefined
  /** Rows that were counted, of which not all need have a value. */
  readonly rows: number
}

export interface ListedCounts {
  readonly ids: Uint32Array
  readonly counts: Uint32Array
  readonly least: number
}

export interface TopValues {
  /** The most frequent first, of equals in the order of their text; of very many equals any. */
  readonly values: readonly ValueCount[]
  /** They are counted in so many of the parts, from the first on. */
  readonly covered: number
}

const candidatesMax = 32_768
/** Of the values that are first in one part, so many are looked at where many are equal. */
const headsMax = 1024
const lookUpsMax = 32_768
const lookUpsATurn = 256
/** Different values that are brought together at most: what is more would take the memory. */
const gatheredMax = 1_000_000

/**
 * The most frequent values of all these parts together. Where some are frequent, only they are read: a value that is among the first of
 * all has its share in at least one part. Where none is, all values are brought together, from the first part on, as long as
 * there is time and room. @throws PartDamaged
 */
export async function topValues(
  column: ColumnName,
  key: HashKey,
  parts: readonly PartCounts[],
  most: number,
  turns: Turns,
): Promise<TopValues> {
  const frequent = await new Frequent(parts, most, turns).find()
  if (frequent === undefined) return gathered(column, key, parts, most, turns)
  const values = frequent.map(({ bytes, sum }) => ({
    value: formatValue(column, bytes),
    count: sum,
  }))
  return { values: inOrder(values, most), covered: parts.length }
}

interface Candidate {
  readonly bytes: Uint8Array
  sum: number
  /** The parts in whose counts it was found, by their place. */
  readonly seen: Set<number>
}

class Frequent {
  readonly #parts: readonly PartCounts[]
  readonly #most: number
  readonly #turns: Turns
  readonly #rows: number

  constructor(parts: readonly PartCounts[], most: number, turns: Turns) {
    this.#parts = parts
    this.#most = most
    this.#turns = turns
    this.#rows = parts.reduce((sum, { rows }) => sum + rows, 0)
  }

  /** All values that have as many rows as the last of the most frequent, and maybe more; undefined if that were too many. */
  async find(): Promise<readonly Candidate[] | undefined> {
    const heads = await this.#gather(({ listed }) => headsOf(listed, this.#most))
    const shares = this.#sharesOf(this.#leastOf(heads))
    const candidates = await this.#gather((part) => valuesWith(part, shares.get(part) as number))
    if (candidates.length >= candidatesMax) return undefined
    const least = this.#leastOf(candidates)
    const possible = candidates.filter((candidate) => this.#highest(candidate, shares) >= least)
    const lookUps = possible.reduce((sum, { seen }) => sum + this.#parts.length - seen.size, 0)
    if (lookUps > lookUpsMax) return undefined
    await this.#complete(possible, shares)
    return possible
  }

  /** A value with at least `least` rows in all has at least its share of them in one of the parts. */
  #sharesOf(least: number): ReadonlyMap<PartCounts, number> {
    return new Map(
      this.#parts.map((part) => [part, Math.max(1, Math.ceil((least * part.rows) / this.#rows))]),
    )
  }

  /** Some values of each part, with the rows that they have in all parts that name them; no more once there are too many. */
  async #gather(some: (part: PartCounts) => readonly ValueRows[]): Promise<Candidate[]> {
    const found = new Map<string, Candidate>()
    for (const [place, part] of this.#parts.entries()) {
      for (const { id, rows } of some(part)) {
        const bytes = part.dictionary.valueOf(id)
        const name = Buffer.from(bytes).toString("latin1")
        let candidate = found.get(name)
        if (candidate === undefined) {
          candidate = { bytes, sum: 0, seen: new Set() }
          found.set(name, candidate)
        }
        candidate.sum += rows
        candidate.seen.add(place)
      }
      if (found.size >= candidatesMax) break
      await this.#turns.go()
    }
    return [...found.values()]
  }

  /** So many rows at least the last of the most frequent has; 1 if nothing is known. */
  #leastOf(candidates: readonly Candidate[]): number {
    const sums = candidates.map(({ sum }) => sum)
    return leastOfTop(sums, this.#most)
  }

  #highest({ sum, seen }: Candidate, shares: ReadonlyMap<PartCounts, number>): number {
    let highest = sum
    for (const [place, part] of this.#parts.entries())
      if (!seen.has(place)) highest += (shares.get(part) as number) - 1
    return highest
  }

  /** Adds what they have in other parts. */
  async #complete(
    candidates: readonly Candidate[],
    shares: ReadonlyMap<PartCounts, number>,
  ): Promise<void> {
    let lookUps = 0
    for (const candidate of candidates) {
      for (const [place, part] of this.#parts.entries()) {
        if (candidate.seen.has(place) || shares.get(part) === 1) continue
        const id = part.dictionary.idOf(candidate.bytes)
        if (id !== undefined) candidate.sum += rowsOf(part, id)
        lookUps += 1
        // This much is done even if the time is up.
        if (lookUps % lookUpsATurn === 0) await this.#turns.go()
      }
    }
  }
}

interface ValueRows {
  readonly id: number
  readonly rows: number
}

/** The most frequent of those that are listed. */
function headsOf({ ids, counts }: ListedCounts, most: number): ValueRows[] {
  const least = leastOfTop(counts, most)
  const heads: ValueRows[] = []
  for (let i = 0; i < counts.length && heads.length < headsMax; i++) {
    const rows = counts[i] as number
    if (rows >= least) heads.push({ id: ids[i] as number, rows })
  }
  return heads
}

/** The values that have so many rows; not many more than are too many. */
function valuesWith({ counts: all, listed }: PartCounts, least: number): ValueRows[] {
  const isListed = all === undefined || least >= listed.least
  const counts = isListed ? listed.counts : all
  const values: ValueRows[] = []
  for (let i = isListed ? 0 : idFirst; i < counts.length && values.length < candidatesMax; i++) {
    const rows = counts[i] as number
    if (rows >= least) values.push({ id: isListed ? (listed.ids[i] as number) : i, rows })
  }
  return values
}

function rowsOf({ counts, listed }: PartCounts, id: number): number {
  if (counts !== undefined) return counts[id] as number
  return listed.counts[listed.ids.indexOf(id)] ?? 0
}

/** By number. */
function allCounts({ dictionary, counts, listed }: PartCounts): Uint32Array {
  if (counts !== undefined) return counts
  const all = new Uint32Array(dictionary.count + idFirst)
  for (const [i, id] of listed.ids.entries()) all[id] = listed.counts[i] as number
  return all
}

async function gathered(
  column: ColumnName,
  key: HashKey,
  parts: readonly PartCounts[],
  most: number,
  turns: Turns,
): Promise<TopValues> {
  const all = new ValueCounts(key)
  let covered = 0
  for (const part of parts) {
    await all.add(part.dictionary, allCounts(part), turns)
    covered += 1
    if (all.size > gatheredMax || !(await turns.go())) break
  }
  const values = all.top(most).map(({ bytes, count }) => {
    return { value: formatValue(column, bytes), count }
  })
  return { values: inOrder(values, most), covered }
}

function inOrder(values: ValueCount[], most: number): readonly ValueCount[] {
  values.sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : a.value > b.value ? 1 : 0))
  return values.slice(0, most)
}
