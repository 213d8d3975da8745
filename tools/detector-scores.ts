/**
 * Precision and recall of each detector on the corpus of packages/server/src/policy/detectors, as the rows of
 * docs/reference/detectors.md, and each case that it gets wrong: `node tools/detector-scores.ts`.
 */
import { pathToFileURL } from "node:url"
import { scores } from "../packages/server/src/policy/detectors/precision.test.support.ts"

/** A row of the page: name, true cases, cases where nothing is to be found, precision, recall. */
export function scoreRows(): readonly string[] {
  return scores().map(({ detector, right, missed, none, precision, recall }) => {
    const cases = `${right + missed.length} | ${none}`
    return `| \`${detector}\` | ${cases} | ${precision.toFixed(3)} | ${recall.toFixed(3)} |`
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const row of scoreRows()) console.log(row)
  for (const { detector, missed, wrong } of scores()) {
    for (const one of missed)
      console.log(`${detector} missed ${JSON.stringify([one.key, one.text])}`)
    for (const one of wrong) console.log(`${detector} wrong ${JSON.stringify([one.key, one.text])}`)
  }
}
