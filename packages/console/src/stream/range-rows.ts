import type { Row } from "./row.ts"
import { Listeners, type RowProgress, type RowSource } from "./row-source.ts"

export interface RangeRowsOptions {
  /** Indexes [from, to) of the log. */
  readonly from: number
  readonly to: number
  readonly order: "desc" | "asc"
  /** Entries [from, to), or the first of them: an answer has a limit in bytes. */
  read(from: number, to: number, signal: AbortSignal): Promise<readonly Row[]>
}

const blockRows = 200
const blocksMax = 60
/** So many blocks are asked for at a time. */
const blocksUnderWay = 3

interface Block {
  readonly rows: (Row | undefined)[]
}

/** All entries of a range of indexes: any of them can be had at once, so one can jump anywhere among millions. */
export class RangeRows implements RowSource {
  readonly progress: RowProgress | undefined = undefined
  problem: Error | undefined
  readonly #options: RangeRowsOptions
  readonly #listeners = new Listeners()
  readonly #stop = new AbortController()
  /** Owned here alone; least recently wanted first. */
  readonly #blocks = new Map<number, Block>()
  readonly #underWay = new Set<number>()
  #to: number
  #wanted: readonly number[] = []

  constructor(options: RangeRowsOptions) {
    this.#options = options
    this.#to = options.to
  }

  get count(): number {
    return this.#to - this.#options.from
  }

  get newest(): number {
    return this.#to - 1
  }

  get version(): number {
    return this.#listeners.version
  }

  subscribe(changed: () => void): () => void {
    return this.#listeners.subscribe(changed)
  }

  at(position: number): Row | undefined {
    const index = this.#indexAt(position)
    return this.#blocks.get(Math.floor(index / blockRows))?.rows[index % blockRows]
  }

  want(first: number, last: number): void {
    if (last <= first) return
    const a = this.#indexAt(Math.max(0, first))
    const b = this.#indexAt(Math.min(this.count, last) - 1)
    const [low, high] = [
      Math.floor(Math.min(a, b) / blockRows),
      Math.floor(Math.max(a, b) / blockRows),
    ]
    const wanted = Array.from({ length: high - low + 1 }, (_, i) => low + i)
    for (const number of wanted) {
      const block = this.#blocks.get(number)
      if (block === undefined) continue
      this.#blocks.delete(number)
      this.#blocks.set(number, block)
    }
    this.#wanted = wanted
    this.#next()
  }

  grow(rows: readonly Row[]): number {
    const before = this.#to
    for (const row of rows) {
      if (row.index < this.#to) continue
      this.#block(Math.floor(row.index / blockRows)).rows[row.index % blockRows] = row
      this.#to = row.index + 1
    }
    if (this.#to > before) this.#listeners.tell()
    return this.#to - before
  }

  resume(): void {
    this.problem = undefined
    this.#listeners.tell()
    this.#next()
  }

  close(): void {
    this.#stop.abort()
  }

  #indexAt(position: number): number {
    const { from, order } = this.#options
    return order === "desc" ? this.#to - 1 - position : from + position
  }

  #block(number: number): Block {
    let block = this.#blocks.get(number)
    if (block === undefined) {
      block = { rows: Array.from({ length: blockRows }) }
      this.#blocks.set(number, block)
      for (const oldest of this.#blocks.keys()) {
        if (this.#blocks.size <= blocksMax) break
        this.#blocks.delete(oldest)
      }
    }
    return block
  }

  #next(): void {
    if (this.problem !== undefined || this.#stop.signal.aborted) return
    for (const number of this.#wanted) {
      if (this.#underWay.size >= blocksUnderWay) return
      if (this.#underWay.has(number) || this.#isWhole(number)) continue
      this.#underWay.add(number)
      void this.#fill(number)
    }
  }

  #bounds(number: number): { from: number; to: number } {
    const from = Math.max(this.#options.from, number * blockRows)
    return { from, to: Math.min(this.#to, (number + 1) * blockRows) }
  }

  #isWhole(number: number): boolean {
    const block = this.#blocks.get(number)
    if (block === undefined) return false
    const { from, to } = this.#bounds(number)
    for (let index = from; index < to; index++) {
      if (block.rows[index % blockRows] === undefined) return false
    }
    return true
  }

  async #fill(number: number): Promise<void> {
    const { signal } = this.#stop
    try {
      let { from, to } = this.#bounds(number)
      while (from < to) {
        const rows = await this.#options.read(from, to, signal)
        const block = this.#block(number)
        for (const row of rows) {
          if (row.index >= from && row.index < to) block.rows[row.index % blockRows] = row
        }
        const last = rows.at(-1)?.index
        if (last === undefined || last < from) throw new Error(`no entry ${from} in the answer`)
        from = last + 1
        to = Math.min(to, this.#bounds(number).to)
      }
    } catch (error) {
      if (signal.aborted) return
      this.problem = error instanceof Error ? error : new Error(String(error))
    } finally {
      this.#underWay.delete(number)
    }
    this.#listeners.tell()
    this.#next()
  }
}
