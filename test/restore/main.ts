/**
 * The restore drill: a port under load with a mirror, everything killed, the log wiped, restored from the mirror, and what
 * is missing named by the receipts. `node test/restore/main.ts [--long] [--seed N]`. Its last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util"
import { cleanUpAtExit } from "../crash/cleanup.ts"
import { Decisions } from "../crash/decisions.ts"
import { Report } from "../crash/report.ts"
import { lossDrill } from "./part-loss.ts"
import { noLossDrill } from "./part-no-loss.ts"

const { values } = parseArgs({
  options: { long: { type: "boolean", default: false }, seed: { type: "string" } },
})

cleanUpAtExit()
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const report = new Report()
console.log(`restore drill, ${values.long ? "long" : "short"} form, seed ${seed}`)
const decisions = new Decisions(seed)
const rounds = values.long ? 10 : 1
for (const [title, drill] of [
  ["a mirror that was killed again and again, and a log that loses nothing", noLossDrill],
  ["everything killed under load, the data directory wiped", lossDrill],
] as const) {
  report.begin(title)
  for (let round = 0; round < rounds; round++) {
    try {
      await drill(report, decisions.apart(`${title} ${round}`))
    } catch (error) {
      report.check(false, error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }
}
report.end()
process.exit(report.failed > 0 || report.passed === 0 ? 1 : 0)
