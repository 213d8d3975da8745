import { expect, test } from "vitest"
import { eventKeys, outcomes } from "./event.ts"
import { nearestName } from "./spelling.ts"

const keys = Object.keys(eventKeys)

test.each([
  ["tagets", "targets"],
  ["Actor", "actor"],
  ["outcom", "outcome"],
  ["sentat", "sentAt"],
  ["tenent", "tenant"],
])("%s was meant to be %s", (given, meant) => {
  expect(nearestName(given, keys)).toBe(meant)
})

test("failed was meant to be failure", () => {
  expect(nearestName("failed", outcomes)).toBe("failure")
})

test.each(["", "xyzzy", "k".repeat(10_000)])("%s is near to nothing", (given) => {
  expect(nearestName(given, keys)).toBeUndefined()
})
