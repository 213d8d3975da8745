import { expect, test } from "vitest"
import { countTests, filesToRepeat } from "./count-tests.ts"

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
  expect(countTests(text)).toEqual({ passed: 5, failed: 0, skipped: 0, failures: [], unsteady: [] })
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

const twoFailed = report({
  numFailedTests: 2,
  success: false,
  testResults: [
    {
      name: "a.test.ts",
      status: "failed",
      assertionResults: ["adds", "divides"].map((fullName) => ({ status: "failed", fullName })),
    },
    file("passed", "passed"),
  ],
})
const secondly = (...statuses: readonly [string, string]) =>
  report({
    success: !statuses.includes("failed"),
    testResults: [
      {
        name: "a.test.ts",
        status: "passed",
        assertionResults: ["adds", "divides"].map((fullName, at) => ({
          status: statuses[at],
          fullName,
        })),
      },
    ],
  })

test("what failed is run again if it is little, and is told of where it holds then", () => {
  expect(filesToRepeat(twoFailed)).toEqual(["a.test.ts"])
  expect(countTests(twoFailed, secondly("passed", "passed"))).toMatchObject({
    ...{ passed: 7, failed: 0, failures: [] },
    unsteady: ["a.test.ts: adds: ", "a.test.ts: divides: "],
  })
})

test("nothing is unsteady if anything fails again, and much is not run again", () => {
  const again = countTests(twoFailed, secondly("passed", "failed"))
  expect(again).toMatchObject({ passed: 5, failed: 2, unsteady: [] })
  const much = report({
    numFailedTests: 4,
    success: false,
    testResults: [file("failed", "failed", "failed", "failed", "failed")],
  })
  expect(filesToRepeat(much)).toEqual([])
})

test("a file that was missing from the second report has failed", () => {
  const empty = report({ testResults: [] })
  expect(countTests(twoFailed, empty)).toMatchObject({ failed: 2, unsteady: [] })
})

test("a report without success never counts as good", () => {
  expect(countTests(report({ success: false })).failed).toBe(1)
})

test("what is not a report is refused", () => {
  expect(() => countTests("")).toThrow()
})
