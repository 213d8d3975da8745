import { expect, test } from "vitest"
import { hostile } from "./hostile.test.support.ts"
import { openDetectors } from "./index.ts"

const detectors = openDetectors({
  groups: {
    ...{ secrets: "mark", cards: "mark", accounts: "mark" },
    ...{ contacts: "mark", addresses: "mark", entropy: "mark" },
  },
  packs: ["kubernetes", "vault", "sql", "http"],
  patterns: [{ name: "own", pattern: "(?:[ab]*a[ab]{12}c|x+x+y)", do: "mark" }],
})

/** The least of several times, for the machine does other things as well. */
function timeOf(text: string): number {
  let least = Number.POSITIVE_INFINITY
  for (let run = 0; run < 7; run++) {
    detectors.begin()
    const begun = process.hrtime.bigint()
    detectors.look(text, "requestURI", ["data", "requestObject", "headers"], "string")
    least = Math.min(least, Number(process.hrtime.bigint() - begun))
  }
  return least
}

// Eight times the text in about eight times the time; a square would be 64 times. Judged generously and three times, since
// others use the machine as well; what takes less than 8 ms is not judged.
test.each(hostile)("64 KiB of $name take no more than their share of time", ({ text }) => {
  const [short, long] = [text(8_192), text(65_536)]
  timeOf(short)
  const judge = () => {
    const [before, after] = [timeOf(short), timeOf(long)]
    return after < 8e6 || after < 40 * before
  }
  expect([judge, judge, judge].some((one) => one())).toBe(true)
})

test.each(hostile)("hits in $name are in order and inside the text", ({ text }) => {
  const whole = text(2_000)
  detectors.begin()
  let at = 0
  for (const hit of detectors.look(whole, "note", ["data"], "string")) {
    expect(hit.from).toBeGreaterThanOrEqual(at)
    expect(hit.to).toBeGreaterThan(hit.from)
    at = hit.to
  }
  expect(at).toBeLessThanOrEqual(whole.length)
})
