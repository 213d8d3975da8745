/**
 * `npm run bench:search`: how fast a log of millions answers, how quickly its index is built, whether it keeps pace, and
 * databases of others beside it. What is measured and how stands in docs/performance.md. Linux only: CPU, memory and the
 * page cache are the kernel's to tell.
 */
import { writeFileSync } from "node:fs"
import { describeMachine } from "../rows.ts"
import { cleanUp, removeLeftovers } from "../server.ts"
import { house, loadTree } from "../tree.ts"
import type { BenchLog } from "./bench-log.ts"
import { compareDatabases, removeDatabases } from "./comparison.ts"
import { openBenchLog } from "./log-directory.ts"
import type { Effort } from "./measured.ts"
import { type Options, parseOptions, usage } from "./options.ts"
import { measurePace, type PaceEffort } from "./pace.ts"
import { killProcesses } from "./processes.ts"
import { kindsOf } from "./questions.ts"
import { measureReading } from "./reading.ts"
import { measureRoom } from "./room.ts"
import { formatMeasured, type Measured } from "./table.ts"

const efforts = {
  quick: { questions: 40, kindMsMax: 5_000 },
  full: { questions: 300, kindMsMax: 30_000 },
} as const satisfies Record<string, Effort>
/** A database that takes seconds for an answer is not asked three hundred times. */
const othersMsMax = 10_000

const paces = {
  quick: { pairs: 1, eventsPerSecond: 40_000, warmMs: 2_000, measureMs: 5_000 },
  full: { pairs: 5, eventsPerSecond: 40_000, warmMs: 5_000, measureMs: 40_000 },
} as const satisfies Record<string, PaceEffort>

function note(text: string): void {
  const at = new Date().toISOString().slice(11, 19)
  process.stderr.write(`bench ${at}: ${text}\n`)
}

/** Measures part by part; what a part came to is in the JSON file when the next one begins. */
async function measure(log: BenchLog, { only, quick, json }: Options): Promise<Measured> {
  const size = quick ? "quick" : "full"
  const effort = efforts[size]
  let measured: Measured = { kinds: kindsOf(log.chosen, log.endMs) }
  const keep = (more: Partial<Measured>): void => {
    measured = { ...measured, ...more }
    writeFigures(log, measured, json)
  }
  if (only.includes("build")) keep({ room: await measureRoom(log, effort, note) })
  if (only.includes("read")) keep({ reading: await measureReading(log, effort, note) })
  if (only.includes("pace")) {
    keep({ pace: await measurePace(await loadTree(house), paces[size], note) })
  }
  if (only.includes("others")) {
    const kindMsMax = Math.min(effort.kindMsMax, othersMsMax)
    await compareDatabases(log, { ...effort, kindMsMax }, keep, note)
  }
  return measured
}

function writeFigures(
  { entries, eventBytes }: BenchLog,
  measured: Measured,
  file: string | undefined,
): void {
  if (file === undefined) return
  const figures = { machine: describeMachine(), entries, eventBytes, ...measured }
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`)
}

async function main(): Promise<void> {
  if (process.platform !== "linux") throw new Error("CPU and memory are read from Linux's /proc")
  const options = readOptions()
  removeLeftovers()
  const log = await openBenchLog(options.directory, options.entries, note)
  process.stdout.write(`${formatMeasured(await measure(log, options))}\n`)
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return process.exit(64)
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130))
}
process.on("exit", () => {
  killProcesses()
  removeDatabases()
  cleanUp()
})
main().catch((error) => {
  note(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exit(1)
})
