import { expect, test } from "vitest"
import { scoreRows } from "./detector-scores.ts"
import { readSource } from "./source.ts"

test("docs/reference/detectors.md has the figures of the detectors as they are", () => {
  const page = readSource("docs/reference/detectors.md").split("\n")
  const shown = page.filter((line) => /^\| `[a-z-]+` \| \d+ \| \d+ \|/.test(line))
  expect(shown).toEqual(scoreRows())
})
