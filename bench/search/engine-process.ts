/**
 * One database of others, in a process of its own so that its memory and CPU are its own: `engine-process.ts TASK`
 * (JSON). Says by IPC what it measured, then ends.
 */

import { statSync } from "node:fs"
import { peakRssMb } from "../process-figures.ts"
import { type AuditEvent, auditEvents } from "./audit-events.ts"
import { type BenchLog, readBenchLog } from "./bench-log.ts"
import { type Database, databaseKinds } from "./engines/index.ts"
import { listFiles } from "./files.ts"
import { type Answer, type Effort, measureWarm, type Warm } from "./measured.ts"
import { kindsOf, questionsOf } from "./questions.ts"

export interface EngineTask {
  readonly engine: string
  /** Where the database lies, and the bench's log of which it gets the events. */
  readonly directory: string
  readonly log: string
  /** Every so many-th event is loaded. */
  readonly stride: number
  readonly work:
    | { readonly do: "build" }
    | { readonly do: "warm"; readonly effort: Effort }
    /** One question of one kind. */
    | { readonly do: "cold"; readonly kind: string; readonly number: number }
}

export interface Built {
  readonly events: number
  readonly eventsPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly bytesPerEvent: number
  readonly rssMb: number
}

export type EngineResult =
  | { readonly built: Built }
  | { readonly warm: readonly Warm[] }
  | { readonly answer: Answer | undefined }

const batchEvents = 10_000

async function run(task: EngineTask): Promise<EngineResult> {
  const kind = databaseKinds.find(({ name }) => name === task.engine)
  if (kind === undefined) throw new Error(`there is no engine ${task.engine}`)
  const log = readBenchLog(task.log)
  if (log === undefined) throw new Error(`there is no log of the bench in ${task.log}`)
  const database = await kind.open(task.directory)
  try {
    const { work } = task
    if (work.do === "build") return { built: await build(database, task, log) }
    const kinds = kindsOf(log.chosen, log.endMs)
    if (work.do === "warm") {
      const warm: Warm[] = []
      for (const one of kinds) {
        tell(`${task.engine}: ${one.name}`)
        warm.push(await measureWarm(database, one, work.effort))
      }
      return { warm }
    }
    const wanted = kinds.find(({ name }) => name === work.kind)
    const question = wanted && questionsOf(wanted, work.number + 1)[work.number]
    const answers = question === undefined ? [] : await database.ask(question)
    return { answer: answers[0] }
  } finally {
    await database.close()
  }
}

/** Loads the events. Making them is left out of time and CPU. */
async function build(database: Database, task: EngineTask, log: BenchLog): Promise<Built> {
  const bytesBefore = tableBytes(task.directory)
  const cost = { ms: 0, cpuSeconds: 0 }
  const measured = async (work: () => Promise<void>): Promise<void> => {
    const cpu = process.cpuUsage()
    const server = database.serverCpuSeconds()
    const began = performance.now()
    await work()
    cost.ms += performance.now() - began
    const { user, system } = process.cpuUsage(cpu)
    cost.cpuSeconds += (user + system) / 1e6 + database.serverCpuSeconds() - server
  }
  let events = 0
  let batch: AuditEvent[] = []
  const flush = async (): Promise<void> => {
    const full = batch
    batch = []
    await measured(() => database.load(full))
    events += full.length
    if (events % (20 * batchEvents) === 0) tell(`${task.engine}: ${events} events are loaded`)
  }
  for (const event of auditEvents(log)) {
    if (event.number % task.stride !== 0) continue
    batch.push(event)
    if (batch.length === batchEvents) await flush()
  }
  if (batch.length > 0) await flush()
  tell(`${task.engine}: finishing`)
  await measured(() => database.finish())
  return {
    events,
    eventsPerSecond: events / (cost.ms / 1000),
    cpuSecondsPerMillion: (cost.cpuSeconds / events) * 1e6,
    bytesPerEvent: (tableBytes(task.directory) - bytesBefore) / events,
    rssMb: database.serverRssMb() ?? peakRssMb(process.pid),
  }
}

/** Without what PostgreSQL keeps for recovery, which is bounded and no part of the data. */
function tableBytes(directory: string): number {
  const files = listFiles(directory).filter((file) => !file.includes("/pg_wal/"))
  return files.reduce((sum, file) => sum + statSync(file).size, 0)
}

function tell(text: string): void {
  process.send?.({ note: text })
}

// Whoever asked is gone.
for (const end of ["disconnect", "SIGTERM"]) process.on(end, () => process.exit(1))
run(JSON.parse(process.argv[2] ?? "") as EngineTask).then(
  (result) => process.send?.({ result }, () => process.exit(0)),
  (error) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  },
)
