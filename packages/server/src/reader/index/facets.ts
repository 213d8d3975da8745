import type { AskedWorld } from "./asked-world.ts"
import { count, type Tally } from "./counting.ts"
import type { ColumnIds, Part } from "./part.ts"
import { idFirst } from "./part-format.ts"
import { PartDamaged } from "./part-source.ts"
import type { FacetField, Facets, FacetsQuestion, ValueCount } from "./search-index.ts"
import { bitCount } from "./term-encoding.ts"
import { type PartCounts, type TopValues, topValues } from "./top-values.ts"
import { Turns } from "./turns.ts"
import { idsHolding } from "./value-places.ts"

/** Bytes of dictionaries and counts that one question holds at most: it covers fewer entries otherwise. */
const heldBytesMax = 96 * 1024 * 1024
/** Milliseconds for completions. */
const valuesMs = 250

/** Counts by value. */
export async function facets(world: AskedWorld, question: FacetsQuestion): Promise<Facets> {
  const { fields: asked, top } = question
  const tally = new FieldTally(asked)
  const found = new Map<FacetField, TopValues>()
  const counted = await count(world, question, tally, async (turns) => {
    await topOfEach(world, tally.parts, { fields: asked, top }, turns, found)
  })
  const fields = Object.fromEntries([...found].map(([field, { values }]) => [field, values]))
  const covered = Math.min(tally.parts.length, ...[...found.values()].map((one) => one.covered))
  const { from, to } = counted.examined
  const beyond = tally.parts[covered]?.part.end ?? from
  const rows = tally.parts.slice(0, covered).reduce((sum, part) => sum + part.rows, 0)
  return { ...counted, examined: { from: Math.max(from, beyond), to }, count: rows, fields }
}

/** All fields over the same parts: where one covers only the first of them, the others are counted in these alone. */
async function topOfEach(
  world: AskedWorld,
  parts: readonly CountedPart[],
  { fields, top }: Pick<FacetsQuestion, "fields" | "top">,
  turns: Turns,
  found: Map<FacetField, TopValues>,
): Promise<void> {
  let covered = parts.length
  for (;;) {
    const field = fields.find((one) => found.get(one)?.covered !== covered)
    if (field === undefined) return
    const counts = parts.slice(0, covered).map((part) => part.counts.get(field) as PartCounts)
    const values = await topValues(field, world.key, counts, top, turns)
    found.set(field, values)
    covered = values.covered
  }
}

/** Frequent values that begin so, parties by their id or by type/id: in the newest parts, as far as some time goes. */
export async function values(
  world: AskedWorld,
  field: FacetField,
  begun: string,
  top: number,
): Promise<readonly ValueCount[]> {
  const turns = new Turns(world.elapsedMs, valuesMs, world.rota)
  const holding = world.parts.hold()
  try {
    const counted: PartCounts[] = []
    let bytes = 0
    for (const part of holding.parts.toReversed()) {
      const counts = await countsOfBegun(world, part, field, begun, turns)
      if (counts !== undefined) counted.push(counts)
      bytes += bytesOf(counts)
      if (bytes > heldBytesMax || !(await turns.go())) break
    }
    return (await topValues(field, world.key, counted, top, turns)).values
  } finally {
    turns.end()
    holding.release()
  }
}

async function countsOfBegun(
  world: AskedWorld,
  part: Part,
  field: FacetField,
  begun: string,
  turns: Turns,
): Promise<PartCounts | undefined> {
  try {
    const dictionary = part.dictionary(field)
    if (begun === "") return wholeCounts(part, field)
    const query = { kind: "field", path: [field], test: { kind: "prefix", text: begun } } as const
    const ranges = await idsHolding(field, dictionary, query, turns)
    if (ranges === undefined || ranges.length === 0) return undefined
    const counts = new Uint32Array(dictionary.rows.length)
    for (const { from, to } of ranges) counts.set(dictionary.rows.subarray(from, to), from)
    const ids = dictionary.common.ids.filter((id) => counts[id] !== 0)
    const listed = { ...dictionary.common, ids, counts: ids.map((id) => counts[id] as number) }
    return { dictionary, counts, listed, rows: part.count }
  } catch (error) {
    if (!(error instanceof PartDamaged)) throw error
    world.onDamaged(part, error.message)
    return undefined
  }
}

interface CountedPart {
  readonly part: Part
  readonly rows: number
  readonly counts: ReadonlyMap<FacetField, PartCounts>
}

function bytesOf(counts: PartCounts | undefined): number {
  return counts === undefined ? 0 : counts.dictionary.bytes + counts.listed.ids.byteLength * 2
}

class FieldTally implements Tally {
  /** The newest first. */
  readonly parts: CountedPart[] = []
  readonly #fields: readonly FacetField[]
  /** By number; zeros between two parts. */
  #scratch = new Uint32Array()
  #bytes = 0

  constructor(fields: readonly FacetField[]) {
    this.#fields = fields
  }

  get isFull(): boolean {
    return this.#bytes > heldBytesMax
  }

  whole(part: Part): void {
    this.#add(part, part.count, (field) => wholeCounts(part, field))
  }

  rows(part: Part, words: Int32Array): void {
    let rows = 0
    for (const word of words) rows += bitCount(word)
    if (rows > 0) this.#add(part, rows, (field) => this.#countsOf(part, field, words, rows))
  }

  #countsOf(part: Part, field: FacetField, words: Int32Array, rows: number): PartCounts {
    const dictionary = part.dictionary(field)
    const numbers = dictionary.count + idFirst
    if (this.#scratch.length < numbers) this.#scratch = new Uint32Array(numbers)
    const ids = new Uint32Array(Math.min(rows, numbers))
    const values = countRows(part.ids(field), words, this.#scratch, ids)
    const listed = { ids: ids.subarray(0, values), counts: new Uint32Array(values), least: 1 }
    for (let i = 0; i < values; i++) {
      const id = ids[i] as number
      listed.counts[i] = this.#scratch[id] as number
      this.#scratch[id] = 0
    }
    return { dictionary, counts: undefined, listed, rows }
  }

  #add(part: Part, rows: number, countsOf: (field: FacetField) => PartCounts): void {
    const counts = new Map<FacetField, PartCounts>()
    for (const field of this.#fields) {
      counts.set(field, countsOf(field))
      this.#bytes += bytesOf(counts.get(field))
    }
    this.parts.push({ part, rows, counts })
  }
}

function wholeCounts(part: Part, field: FacetField): PartCounts {
  const dictionary = part.dictionary(field)
  return { dictionary, counts: dictionary.rows, listed: dictionary.common, rows: part.count }
}

/** Adds the rows of these words to the counts by number. Gives how many values were met, and writes their numbers into `ids`. */
function countRows(
  column: ColumnIds | number,
  words: Int32Array,
  counts: Uint32Array,
  ids: Uint32Array,
): number {
  let values = 0
  for (let block = 0; block < words.length; block++) {
    for (let word = words[block] as number; word !== 0; word &= word - 1) {
      const row = block * 32 + 31 - Math.clz32(word & -word)
      const id = typeof column === "number" ? column : (column[row] as number)
      if (id < idFirst) continue
      if (counts[id] === 0) ids[values++] = id
      counts[id] = (counts[id] as number) + 1
    }
  }
  return values
}
