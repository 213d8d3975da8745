/** Disclosures in several frames that may be in memory at once, over all connections: each may be 8 MiB. */
const placesAtOnce = 4

interface Waiting {
  readonly writer: string
  readonly go: () => void
}

/**
 * Who may put a disclosure together from its frames: a few at once, of one writer one, the others in the order of asking. The credit of
 * the frames is given back as they are put together, so it is these places that bound the memory. Whoever has one can always finish:
 * nothing else is waited for with it in hand but the writer, who has a deadline, and the disk.
 */
export class AssemblyPlaces {
  readonly #holders = new Set<string>()
  #waiting: Waiting[] = []

  /** Takes a place. False if there is none now: `go` is called once it is taken, unless `forget` comes first. */
  take(writer: string, go: () => void): boolean {
    if (this.#isFree(writer) && !this.#waiting.some((other) => other.writer === writer)) {
      this.#holders.add(writer)
      return true
    }
    this.#waiting.push({ writer, go })
    return false
  }

  /** `go` is not called any more. */
  forget(go: () => void): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.go !== go)
  }

  give(writer: string): void {
    this.#holders.delete(writer)
    const next = this.#waiting.find((waiting) => this.#isFree(waiting.writer))
    if (next === undefined) return
    this.forget(next.go)
    this.#holders.add(next.writer)
    next.go()
  }

  #isFree(writer: string): boolean {
    return this.#holders.size < placesAtOnce && !this.#holders.has(writer)
  }
}
