import { Report } from "../crash/report.ts"

/** Counts what was checked, and says it. */
export class Results {
  /** The same counts and figures, for docs/assurance.md. */
  readonly report = new Report(() => undefined)

  check(holds: boolean, what: string, why = ""): void {
    this.report.check(holds, what)
    const reason = holds || why === "" ? "" : `: ${why.trim()}`
    console.log(`${holds ? "ok    " : "FAILED"}  ${what}${reason}`)
  }

  /** Says how it ended, in the last line. */
  end(): void {
    const { passed, failed } = this.report
    console.log(`${passed} passed, ${failed} failed`)
    if (failed > 0) process.exitCode = 1
  }
}
