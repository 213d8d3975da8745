/**
 * Counts a vitest report (JSON reporter) for .ci/run: prints what failed, then `N passed, N failed`. A test file that fails without
 * a failing test (it could not be loaded, or nothing ran in it) counts as one failure; so does a missing report.
 */
import { readFileSync } from "node:fs"
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
}

export function countTests(text: string): Counts {
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
  const report = readFileSync(process.argv[2] as string, "utf8")
  const { passed, failed, skipped, failures } = countTests(report)
  for (const failure of failures) console.log(`FAILED  ${failure}`)
  if (skipped > 0) console.log(`${skipped} skipped: each says why above`)
  console.log(`${passed} passed, ${failed} failed`)
}
