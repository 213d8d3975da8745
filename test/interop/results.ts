/** Counts what was checked, and says it. */
export class Results {
  #passed = 0
  #failed = 0

  check(holds: boolean, what: string, why = ""): void {
    if (holds) this.#passed += 1
    else this.#failed += 1
    const reason = holds || why === "" ? "" : `: ${why.trim()}`
    console.log(`${holds ? "ok    " : "FAILED"}  ${what}${reason}`)
  }

  /** Says how it ended, in the last line. */
  end(): void {
    console.log(`${this.#passed} passed, ${this.#failed} failed`)
    if (this.#failed > 0) process.exitCode = 1
  }
}
