/** Milliseconds at a stretch: what is quick is answered in one; of what is slow, a quick one that comes meanwhile waits for less. */
const turnMs = 8
const laterTurnMs = 2
const quickMs = 32
/** So long the others wait for one that has taken less time than they and now waits for the disk. */
const yieldMsMax = 4

interface Waiting {
  readonly turns: Turns
  resume(): void
}

/**
 * Lets questions that share a thread go on one by one, and the thread take in what is new between any two. Those go first
 * whose time is up, since they have only to say what they found, then those that have taken least time: a quick one is not held
 * up by slow ones, however many they are.
 */
export class Rota {
  #waiting: Waiting[] = []
  /** Those that are being answered, waiting or not. */
  readonly #open = new Set<Turns>()
  #yieldedSince: number | undefined
  /** Milliseconds of all turns: what passes of them while one waits for the disk is not its own. */
  spent = 0
  readonly #elapsedMs: () => number

  /** @param elapsedMs a clock that never goes back */
  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs
  }

  enter(turns: Turns): void {
    this.#open.add(turns)
  }

  leave(turns: Turns): void {
    this.#open.delete(turns)
  }

  wait(turns: Turns): Promise<void> {
    return new Promise((resume) => {
      this.#waiting.push({ turns, resume })
      if (this.#waiting.length === 1) setImmediate(() => this.#next())
    })
  }

  #next(): void {
    const now = this.#elapsedMs()
    const rank = ({ turns }: Waiting): number => (turns.isOver(now) ? -1 : turns.used)
    let next = this.#waiting[0] as Waiting
    for (const waiting of this.#waiting) if (rank(waiting) < rank(next)) next = waiting
    if (this.#isLessBusy(rank(next)) && now - (this.#yieldedSince ?? now) < yieldMsMax) {
      this.#yieldedSince ??= now
      setImmediate(() => this.#next())
      return
    }
    this.#yieldedSince = undefined
    this.#waiting = this.#waiting.filter((waiting) => waiting !== next)
    if (this.#waiting.length > 0) setImmediate(() => this.#next())
    next.resume()
  }

  /** Whether one that has taken less time than that waits for something else. */
  #isLessBusy(used: number): boolean {
    const waiting = new Set(this.#waiting.map(({ turns }) => turns))
    return [...this.#open].some((turns) => turns.used < used && !waiting.has(turns))
  }
}

/**
 * Says when the time of a question is up, and lets others have their turn meanwhile. Whoever answers asks it every few
 * milliseconds, and ends it.
 */
export class Turns {
  readonly #elapsedMs: () => number
  readonly #rota: Rota
  readonly #end: number
  #turnBegin: number
  #spentBefore: number
  /** Milliseconds of all turns before this one. */
  used = 0

  constructor(elapsedMs: () => number, ms: number, rota = new Rota(elapsedMs)) {
    this.#elapsedMs = elapsedMs
    this.#rota = rota
    const now = elapsedMs()
    this.#end = now + ms
    this.#turnBegin = now
    this.#spentBefore = rota.spent
    rota.enter(this)
  }

  end(): void {
    this.#rota.leave(this)
  }

  isOver(now: number): boolean {
    return now >= this.#end
  }

  /** False once the time is up. */
  async go(): Promise<boolean> {
    const now = this.#elapsedMs()
    const turn = now - this.#turnBegin - (this.#rota.spent - this.#spentBefore)
    if (turn < (this.used < quickMs ? turnMs : laterTurnMs)) return !this.isOver(now)
    this.used += turn
    this.#rota.spent += turn
    await this.#rota.wait(this)
    this.#turnBegin = this.#elapsedMs()
    this.#spentBefore = this.#rota.spent
    return !this.isOver(this.#turnBegin)
  }
}
