import { bytesOf, countOf, isLoss, type Outgoing } from "./outgoing.ts"

export interface BacklogBounds {
  /** Events that wait in memory for room, in bytes. */
  readonly bytesMax: number
  /** How long a producer is kept waiting before what it brings is lost. */
  readonly stallMs: number
  /** Of the losses. */
  readonly reason: string
}

/** What was taken from a producer and finds no room in the spool. */
export class Backlog {
  readonly #bounds: BacklogBounds
  #items: Outgoing[] = []
  #bytes = 0
  /** Since when it has not been empty. */
  #sinceMs: number | undefined
  #lost = 0

  constructor(bounds: BacklogBounds) {
    this.#bounds = bounds
  }

  get isEmpty(): boolean {
    return this.#items.length === 0
  }

  /** Events of the losses that have not been written down. */
  get lost(): number {
    return this.#lost
  }

  /** Everything that waits, losses included. */
  get count(): number {
    return countOf(this.#items)
  }

  /** Whether the producer is to wait: it has been waiting for less than it may be made to. */
  isHolding(nowMs: number): boolean {
    return this.#sinceMs !== undefined && nowMs - this.#sinceMs < this.#bounds.stallMs
  }

  /** Takes what came; what is too much becomes a loss in its place. */
  add(items: readonly Outgoing[], nowMs: number): void {
    if (items.length === 0) return
    this.#sinceMs ??= nowMs
    for (const one of items) {
      const bytes = bytesOf(one)
      if (isLoss(one)) this.#lose(one.lost, one.reason)
      else if (this.#bytes + bytes > this.#bounds.bytesMax) this.#lose(1, this.#bounds.reason)
      else {
        this.#items.push(one)
        this.#bytes += bytes
      }
    }
  }

  #lose(lost: number, reason: string): void {
    this.#lost += lost
    const last = this.#items.at(-1)
    if (last === undefined || !isLoss(last) || last.reason !== reason) {
      this.#items.push({ lost, reason })
    } else {
      this.#items[this.#items.length - 1] = { lost: last.lost + lost, reason }
    }
  }

  /** @param put takes as many as there is room for; gives how many that were */
  drain(put: (items: readonly Outgoing[]) => number): void {
    if (this.isEmpty) return
    const done = this.#items.slice(0, put(this.#items))
    this.#items = this.#items.slice(done.length)
    for (const one of done) if (!isLoss(one)) this.#bytes -= one.length
    this.#lost -= countOf(done.filter(isLoss))
    if (this.isEmpty) this.#sinceMs = undefined
  }
}
