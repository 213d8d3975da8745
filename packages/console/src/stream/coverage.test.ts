import { expect, test } from "vitest"
import { coverage } from "./coverage.ts"

const counted = (from: number, to: number, indexed: number, complete = false) => ({
  ...{ total: 1, complete, indexed, size: 5000 },
  examined: { from, to },
})

test("counts that leave nothing out need no words", () => {
  expect(coverage(counted(0, 5000, 5000, true))).toBe("")
  // The index is behind, but the range ends before its end.
  expect(coverage(counted(0, 300, 4000, true))).toBe("")
})

test("an index that is behind, and a time that was up, are told apart", () => {
  const behind = "The index is behind: the 1,000 newest entries of the log are not counted yet."
  expect(coverage(counted(0, 4000, 4000))).toBe(behind)
  // More was indexed while it counted.
  expect(coverage(counted(0, 4000, 3900))).toBe(behind)
  expect(coverage(counted(0, 4999, 4999))).toContain("the 1 newest entry of the log is not")
  const late = "The time for counting was up: entries before 1,200 are not counted."
  expect(coverage(counted(1200, 5000, 5000))).toBe(late)
  expect(coverage(counted(1200, 3000, 4000))).toBe(late)
})
