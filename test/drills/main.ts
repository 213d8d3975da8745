/**
 * Drills: an operator with root and every key of the machine changes the log, one way after the other; those outside look, with the tools that
 * they are given. Each drill ends in a verdict, and where one tool alone sees nothing the drill says that too. Run it by
 * `npm run test:drills`; `--record` writes its figures into docs/assurance.md.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { recordRun } from "../crash/assurance.ts"
import { Results } from "../interop/results.ts"
import { disclosureDrills } from "./disclosure-drills.ts"
import { drills } from "./drills.ts"
import { keyDrills } from "./key-drills.ts"
import { makeStage, startWitness } from "./stage.ts"

const all = [...drills, ...keyDrills, ...disclosureDrills]
const results = new Results()
const work = mkdtempSync(join(tmpdir(), "postern-drills-"))

try {
  const stage = await makeStage(work)
  const witness = await startWitness(work, stage.vkey)
  results.report.begin("The operator, who has every key of the machine, …")
  try {
    for (const [number, { what, run }] of all.entries()) {
      console.log(`\n${number + 1}. The operator ${what}`)
      const { checked } = results.report
      try {
        await run({ stage, witness, work: join(work, `drill-${number + 1}`), results })
      } catch (error) {
        results.check(false, "the drill itself", error instanceof Error ? error.stack : `${error}`)
      }
      results.report.count(what, results.report.checked - checked)
    }
  } finally {
    await witness.stop()
  }
} catch (error) {
  results.check(false, "the programme itself", error instanceof Error ? error.stack : String(error))
} finally {
  rmSync(work, { recursive: true, force: true })
}
results.report.begin("All of them")
results.report.count("drills", all.length)
results.report.count("verdicts looked at", results.report.checked)
if (process.argv.includes("--record")) recordRun(results.report.of(), "drills")
console.log(`\n${all.length} drills`)
results.end()
