/**
 * Counts a vitest report (JSON reporter) for .ci/run: prints what failed, then `N passed, N failed`. A test file that fails without
 * a failing test (it could not be loaded, or nothing ran in it) counts as one failure; so does a missing report.
 *
 *     node tools/count-tests.ts REPORT            the counts
 *     node tools/count-tests.ts REPORT SECOND     the same, where some of its files were run again by themselves
 *     node tools/count-tests.ts --again REPORT    these files, one a line
 */
import { existsSync, readFileSync } from "node:fs"
import { relative } from "node:path"

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly status: string
    readonly name: string
    /** Why the file could not be loaded. */
    readonly message?: string
    readonly assertionResults: readonly Assertion[]
  }[]
}

interface Assertion {
  readonly status: string
  readonly fullName?: string
  readonly failureMessages?: readonly string[]
}

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Of each failure a line: its file, its name, how its reason begins. */
  readonly failures: readonly string[]
  /** The same of each that held when it was run again: they count as passed, and are told. */
  readonly unsteady: readonly string[]
}

/** More failures than these are no coincidence. */
const unsteadyMax = 3

/** The files to run once more; none if nothing failed, or too much. */
export function filesToRepeat(text: string): readonly string[] {
  const { failed } = countTests(text)
  const { testResults } = JSON.parse(text) as Report
  const files = testResults.filter(({ status }) => status === "failed").map(({ name }) => name)
  return failed > unsteadyMax ? [] : files
}

/** @param second the report of filesToRepeat(): a test is unsteady if it failed in the first and passed in the second */
export function countTests(text: string, second?: string): Counts {
  const first = countOnce(text)
  if (second === undefined) return { ...first, unsteady: [] }
  const { testResults, success } = JSON.parse(second) as Report
  const held = new Set(
    testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => success && status === "passed")
        .map(({ fullName = "" }) => describe(name, fullName)),
    ),
  )
  const isHeld = (failure: string) => [...held].some((one) => failure.startsWith(one))
  const unsteady = first.failures.filter(isHeld)
  return {
    ...first,
    passed: first.passed + unsteady.length,
    failed: first.failed - unsteady.length,
    failures: first.failures.filter((failure) => !isHeld(failure)),
    unsteady,
  }
}

function countOnce(text: string): Omit<Counts, "unsteady"> {
  const report = JSON.parse(text) as Report
  const broken = report.testResults.filter((file) => {
    return (
      file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed")
    )
  })
  const failed = report.numFailedTests + broken.length
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !report.success ? 1 : failed,
    skipped: report.numPendingTests,
    failures: [
      ...broken.map(({ name, message }) => describe(name, "cannot run", message)),
      ...report.testResults.flatMap(({ name, assertionResults }) =>
        assertionResults
          .filter(({ status }) => status === "failed")
          .map(({ fullName = "", failureMessages = [] }) =>
            describe(name, fullName, failureMessages[0]),
          ),
      ),
    ],
  }
}

function describe(file: string, test: string, reason = ""): string {
  return `${relative(process.cwd(), file)}: ${test}: ${reason.split("\n")[0]}`
}

if (import.meta.main) {
  const [first = "", second = ""] = process.argv.slice(2)
  if (first === "--again") {
    for (const file of filesToRepeat(readFileSync(second, "utf8"))) console.log(file)
  } else {
    const again = existsSync(second) ? readFileSync(second, "utf8") : undefined
    const counts = countTests(readFileSync(first, "utf8"), again)
    for (const failure of counts.failures) console.log(`FAILED  ${failure}`)
    for (const failure of counts.unsteady) console.log(`UNSTEADY  ${failure}`)
    if (counts.skipped > 0) console.log(`${counts.skipped} skipped: each says why above`)
    console.log(`${counts.passed} passed, ${counts.failed} failed`)
  }
}
