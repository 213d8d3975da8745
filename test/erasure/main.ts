/**
 * A person is erased, with real processes: afterwards no byte of what they were, of their key or of their name is in any file, everything
 * that remains proves as before, and whoever is killed on the way leaves it as before or as after. `node test/erasure/main.ts [--long] [--seed N]
 * [--record]`. Its last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util"
import { recordRun } from "../crash/assurance.ts"
import { cleanUpAtExit } from "../crash/cleanup.ts"
import { Decisions } from "../crash/decisions.ts"
import { Report } from "../crash/report.ts"
import { eraseOne } from "./part-erased.ts"
import { killEverywhere } from "./part-killed.ts"

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    seed: { type: "string" },
    record: { type: "boolean", default: false },
  },
})
if (values.record && !values.long) {
  console.error("--record is for whole long runs: --long")
  process.exit(2)
}

cleanUpAtExit()
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const report = new Report()
console.log(`erasure, ${values.long ? "long" : "short"} form, seed ${seed}`)
for (const [title, part] of [
  ["A person is erased", () => eraseOne(report, values.long ? 10_000 : 500)],
  [
    "Killed in the middle of an erasure",
    () => killEverywhere(report, new Decisions(seed), values.long),
  ],
] as const) {
  report.begin(title)
  try {
    await part()
  } catch (error) {
    report.check(false, error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
}
if (values.record) recordRun(report.of(), "erasure", seed)
report.end()
process.exit(report.failed > 0 || report.passed === 0 ? 1 : 0)
