/**
 * Drills: an operator with root and every key of the machine changes the log, one way after the other; those outside look, with the tools that
 * they are given. Each drill ends in a verdict, and where one tool alone sees nothing the drill says that too. Run it by
 * `npm run test:drills`.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Results } from "../interop/results.ts"
import { drills } from "./drills.ts"
import { keyDrills } from "./key-drills.ts"
import { makeStage, startWitness } from "./stage.ts"

const results = new Results()
const work = mkdtempSync(join(tmpdir(), "postern-drills-"))

try {
  const stage = await makeStage(work)
  const witness = await startWitness(work, stage.vkey)
  try {
    for (const [number, { what, run }] of [...drills, ...keyDrills].entries()) {
      console.log(`\n${number + 1}. The operator ${what}`)
      try {
        await run({ stage, witness, work: join(work, `drill-${number + 1}`), results })
      } catch (error) {
        results.check(false, "the drill itself", error instanceof Error ? error.stack : `${error}`)
      }
    }
  } finally {
    await witness.stop()
  }
} catch (error) {
  results.check(false, "the programme itself", error instanceof Error ? error.stack : String(error))
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`\n${drills.length + keyDrills.length} drills`)
results.end()
