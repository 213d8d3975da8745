/**
 * Counts a vitest report (JSON reporter) for .ci/run: prints `N passed, N failed`. A test file that fails without
 * a failing test (it could not be loaded, or nothing ran in it) counts as one failure; so does a missing report.
 */
import { readFileSync } from "node:fs"

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly status: string
    readonly name: string
    readonly assertionResults: readonly { readonly status: string }[]
  }[]
}

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
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
  }
}

if (import.meta.main) {
  const { passed, failed, skipped } = countTests(readFileSync(process.argv[2] as string, "utf8"))
  if (skipped > 0) console.log(`${skipped} skipped: each says why above`)
  console.log(`${passed} passed, ${failed} failed`)
}
