import { listSegments } from "../../disk/index.ts"

/** First indexes of the log's segments, ascending; looked at again when the log has gone on to a newer one. */
export class Segments {
  readonly #directory: string
  #firsts: readonly number[] = []

  constructor(directory: string) {
    this.#directory = directory
  }

  /** @param minimum where the log begins: what is before is being removed */
  async refresh(minimum = 0): Promise<void> {
    const firsts = await listSegments(this.#directory)
    this.#firsts = firsts.filter((first) => first >= minimum)
  }

  get newest(): number {
    return this.#firsts.at(-1) ?? -1
  }

  /** Index of the log's oldest entry. */
  get start(): number {
    return this.#firsts[0] ?? 0
  }

  /** The segment in which an entry stands, and where the next one begins, if there is one. */
  of(index: number): { readonly first: number; readonly end: number | undefined } {
    let low = 0
    let high = this.#firsts.length
    while (low + 1 < high) {
      const middle = (low + high) >>> 1
      if ((this.#firsts[middle] as number) <= index) low = middle
      else high = middle
    }
    return { first: this.#firsts[low] ?? 0, end: this.#firsts[low + 1] }
  }
}
