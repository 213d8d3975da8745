/**
 * The crash programme: kills, tears and starves the real processes, and checks that nothing acknowledged is lost, that
 * nothing stands twice, and that nobody was shown what is not true. `node test/crash/main.ts [--long] [--seed N]
 * [--part NAME]… [--section NAME] [--record]`. Its last line is `N passed, N failed`.
 */
import { parseArgs } from "node:util"
import { recordRun, type Section } from "./assurance.ts"
import { cleanUpAtExit } from "./cleanup.ts"
import { Decisions } from "./decisions.ts"
import { burst } from "./part-burst.ts"
import { diskErrors } from "./part-disk-errors.ts"
import { matrix, rolloverMatrix } from "./part-matrix.ts"
import { portKill, segmentKill } from "./part-port-kill.ts"
import { readerKill } from "./part-reader-kill.ts"
import { rollback } from "./part-rollback.ts"
import { sdkKill } from "./part-sdk-kill.ts"
import { tornTail } from "./part-torn-tail.ts"
import type { Part } from "./programme.ts"
import { Report } from "./report.ts"

/** By the section of docs/assurance.md that has their figures. */
const sections = {
  crash: [portKill, segmentKill, tornTail, diskErrors, rollback, sdkKill, burst, readerKill],
  matrix: [matrix, rolloverMatrix],
} as const satisfies Partial<Record<Section, readonly Part[]>>

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    seed: { type: "string" },
    part: { type: "string", multiple: true },
    section: { type: "string" },
    record: { type: "boolean", default: false },
  },
})

if (values.record && (!values.long || values.part !== undefined)) {
  console.error("--record is for whole long runs: --long, without --part")
  process.exit(2)
}
cleanUpAtExit()
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const report = new Report()
console.log(`crash programme, ${values.long ? "long" : "short"} form, seed ${seed}`)
for (const [name, parts] of Object.entries(sections)) {
  if (values.section !== undefined && values.section !== name) continue
  for (const part of parts) await runPart(part)
  const titles = parts.map(({ title }) => title)
  if (values.record) recordRun(report.of(titles), name as keyof typeof sections, seed)
}
report.end()
process.exit(report.failed > 0 || report.passed === 0 ? 1 : 0)

async function runPart(part: Part): Promise<void> {
  if (values.part !== undefined && !values.part.includes(part.name)) return
  report.begin(part.title)
  const decisions = new Decisions(seed).apart(part.name)
  try {
    await part.run({ report, decisions, isLong: values.long })
  } catch (error) {
    report.check(false, error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
}
