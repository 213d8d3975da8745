import { expect, it } from "vitest"
import { buildCore } from "./build-core.ts"

it("the checked-in module is what its sources build", async () => {
  const { built, present } = await buildCore()
  // Compared as a whole first: a difference would otherwise print the module twice.
  expect(present === built, "run `npm run build:core` and commit what it writes").toBe(true)
})
