import { expect, test } from "vitest"
import { actionOf } from "./texts.ts"

test.each([
  [["vault", "", "Read"], "vault.read"],
  [["a b", "ü"], "a_b._"],
  [["x".repeat(200)], "x".repeat(128)],
  [["postern.stopped"], "foreign.postern.stopped"],
  [["POSTERN", "Stopped"], "foreign.postern.stopped"],
  [[`postern.${"x".repeat(200)}`], `foreign.postern.${"x".repeat(112)}`],
  [["posternal"], "posternal"],
])("%j is %s", (parts, action) => {
  expect(actionOf(...parts)).toBe(action)
})
