import type { Row } from "./row.ts"

/** Rows of a list that is longer than anybody would hold: what is looked at is fetched, what is far away is forgotten. */
export interface RowSource {
  /** Rows that can be scrolled over now. */
  readonly count: number
  /** What of the log was looked through for them; undefined if the rows are all there is in the range. */
  readonly progress: RowProgress | undefined
  readonly problem: Error | undefined
  /** Index up to which, itself included, the rows are about; what comes in live lies behind it. Undefined until it is known. */
  readonly newest: number | undefined
  /** Changes whenever anything of the above, or a row, does. */
  readonly version: number
  at(position: number): Row | undefined
  /** Makes the rows [first, last) come, and those close by. */
  want(first: number, last: number): void
  /** Puts entries that came in before all others; newest last. Gives how many rows that made. */
  grow(rows: readonly Row[]): number
  /** After a problem, or after enough was examined without a find: go on. */
  resume(): void
  subscribe(changed: () => void): () => void
  close(): void
}

export interface RowProgress {
  /** Entries that were examined, and how many there are to examine. */
  readonly examined: number
  readonly of: number
  readonly isComplete: boolean
  /** Waits for somebody to say go on. */
  readonly isPaused: boolean
}

/** Who listens, and the number of the state. */
export class Listeners {
  version = 0
  readonly #all = new Set<() => void>()

  subscribe(changed: () => void): () => void {
    this.#all.add(changed)
    return () => this.#all.delete(changed)
  }

  tell(): void {
    this.version++
    for (const listener of this.#all) listener()
  }
}
