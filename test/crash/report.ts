/** What the programme found: a line for each round as it goes on, every check counted. */
export class Report {
  readonly #print: (line: string) => void
  #part = ""
  #began = performance.now()
  #passed = 0
  #failed = 0
  readonly #failures: string[] = []
  readonly #figures = new Map<string, Map<string, number>>()

  constructor(print: (line: string) => void = console.log) {
    this.#print = print
  }

  get passed(): number {
    return this.#passed
  }

  get failed(): number {
    return this.#failed
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1000
  }

  begin(part: string): void {
    this.#part = part
    this.#print(`\n${part}`)
  }

  line(text: string): void {
    this.#print(`  ${this.seconds.toFixed(1).padStart(6)}s  ${text}`)
  }

  /** Counts one check; what failed is said at once, and again at the end. */
  check(holds: boolean, what: string): boolean {
    if (holds) {
      this.#passed += 1
      return true
    }
    this.#failed += 1
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
    const figures = this.#figures.get(this.#part) ?? new Map<string, number>()
    figures.set(figure, (figures.get(figure) ?? 0) + by)
    this.#figures.set(this.#part, figures)
  }

  figures(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#figures
  }

  end(): void {
    if (this.#failures.length > 0) {
      this.#print("\nFailed:")
      for (const failure of this.#failures) this.#print(`  ${failure}`)
    }
    this.#print(`\n${this.#passed} passed, ${this.#failed} failed`)
  }
}
