/** Counts and figures, of all parts or of some. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly seconds: number
  readonly figures: ReadonlyMap<string, ReadonlyMap<string, number>>
}

interface PartCounts {
  passed: number
  failed: number
  seconds: number
  readonly figures: Map<string, number>
}

/** What the programme found: a line for each round as it goes on, every check counted. */
export class Report {
  readonly #print: (line: string) => void
  #part = ""
  readonly #began = performance.now()
  #partBegan = performance.now()
  readonly #failures: string[] = []
  readonly #parts = new Map<string, PartCounts>()

  constructor(print: (line: string) => void = console.log) {
    this.#print = print
  }

  get passed(): number {
    return this.of().passed
  }

  get failed(): number {
    return this.of().failed
  }

  get checked(): number {
    const { passed, failed } = this.of()
    return passed + failed
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  begin(part: string): void {
    this.#clock()
    this.#part = part
    this.#print(`\n${part}`)
  }

  line(text: string): void {
    this.#print(`  ${this.seconds.toFixed(1).padStart(6)}s  ${text}`)
  }

  /** Counts one check; what failed is said at once, and again at the end. */
  check(holds: boolean, what: string): boolean {
    if (holds) {
      this.#counts().passed += 1
      return true
    }
    this.#counts().failed += 1
    const said = `${this.#part}: ${what}`
    if (this.#failures.length < 100) this.#failures.push(said)
    this.line(`FAILED  ${what}`)
    return false
  }

  /** A list of faults that must be empty: one check. */
  checkNone(faults: readonly string[], what: string): boolean {
    const more = faults.length > 3 ? ` (and ${faults.length - 3} more)` : ""
    return this.check(faults.length === 0, `${what}: ${faults.slice(0, 3).join(" | ")}${more}`)
  }

  /** Adds to a figure of this part; the figures of a long run go into docs/assurance.md. */
  count(figure: string, by = 1): void {
    const { figures } = this.#counts()
    figures.set(figure, (figures.get(figure) ?? 0) + by)
  }

  #counts(): PartCounts {
    const found = this.#parts.get(this.#part)
    if (found !== undefined) return found
    const counts = { passed: 0, failed: 0, seconds: 0, figures: new Map() }
    this.#parts.set(this.#part, counts)
    return counts
  }

  #clock(): void {
    const now = performance.now()
    this.#counts().seconds += (now - this.#partBegan) / 1000
    this.#partBegan = now
  }

  /** @param titles of parts; default: all of them */
  of(titles?: readonly string[]): Counts {
    this.#clock()
    const total = { passed: 0, failed: 0, seconds: 0 }
    const figures = new Map<string, ReadonlyMap<string, number>>()
    for (const [title, part] of this.#parts) {
      if (titles?.includes(title) === false) continue
      total.passed += part.passed
      total.failed += part.failed
      total.seconds += part.seconds
      if (part.figures.size > 0) figures.set(title, part.figures)
    }
    return { ...total, figures }
  }

  end(): void {
    if (this.#failures.length > 0) {
      this.#print("\nFailed:")
      for (const failure of this.#failures) this.#print(`  ${failure}`)
    }
    const { passed, failed } = this.of()
    this.#print(`\n${passed} passed, ${failed} failed`)
  }
}
