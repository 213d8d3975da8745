import { expect, test } from "vitest"
import { countTests } from "./count-tests.ts"

const report = (change: object): string => {
  const whole = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, success: true }
  return JSON.stringify({ ...whole, testResults: [], ...change })
}
const file = (status: string, ...results: string[]): object => {
  return {
    name: "a.test.ts",
    status,
    assertionResults: results.map((result) => ({ status: result })),
  }
}

test("a good report is counted as it stands", () => {
  const text = report({ testResults: [file("passed", "passed")] })
  expect(countTests(text)).toEqual({ passed: 5, failed: 0, skipped: 0, failures: [] })
})

test("a failed test counts once, not again as its file", () => {
  const text = report({
    numFailedTests: 1,
    success: false,
    testResults: [file("failed", "failed")],
  })
  expect(countTests(text).failed).toBe(1)
})

test("a file that could not be loaded counts as a failure", () => {
  expect(countTests(report({ success: false, testResults: [file("failed")] })).failed).toBe(1)
})

test("each failure is a line that says where and why", () => {
  const failed = { status: "failed", fullName: "adds", failureMessages: ["3 is not 4\n at x.ts:1"] }
  const text = report({
    numFailedTests: 1,
    success: false,
    testResults: [
      { name: "a.test.ts", status: "failed", assertionResults: [failed, { status: "passed" }] },
      { name: "b.test.ts", status: "failed", message: "no such module", assertionResults: [] },
    ],
  })
  expect(countTests(text).failures).toEqual([
    "b.test.ts: cannot run: no such module",
    "a.test.ts: adds: 3 is not 4",
  ])
})

test("a report without success never counts as good", () => {
  expect(countTests(report({ success: false })).failed).toBe(1)
})

test("what is not a report is refused", () => {
  expect(() => countTests("")).toThrow()
})
