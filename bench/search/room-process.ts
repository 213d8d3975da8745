/**
 * The index room in a process of its own: `room-process.ts TASK` (JSON). Builds the index of a log from nothing, then asks
 * it. Says by IPC what it measured, then ends.
 */
import { join } from "node:path"
import { parseQuery } from "@postern/log/query"
import { followLog, type LogView } from "../../packages/server/dist/disk/index.js"
import { firstReceivedSince } from "../../packages/server/dist/reader/api/received.js"
import {
  indexStatus,
  openSearchIndex,
  type SearchIndex,
} from "../../packages/server/dist/reader/index/index.js"
import { peakRssMb } from "../process-figures.ts"
import { readBenchLog } from "./bench-log.ts"
import type { Built } from "./engine-process.ts"
import { type Answer, type Effort, type Engine, measureWarm, type Warm } from "./measured.ts"
import {
  type Condition,
  deepFrom,
  deepPages,
  facetTop,
  kindsOf,
  pageRows,
  type Question,
  queryText,
} from "./questions.ts"
import type { RoomFigures } from "./table.ts"

export interface RoomTask {
  /** An installation with a log of this bench. */
  readonly directory: string
  readonly effort: Effort
}

const budgetMs = 10_000
const bytesMax = 4_194_304
const hourUs = 3_600_000_000
const noteEveryMs = 5_000
const lookMs = 20

async function run(task: RoomTask): Promise<RoomFigures> {
  const bench = readBenchLog(task.directory)
  if (bench === undefined) throw new Error(`there is no log of the bench in ${task.directory}`)
  const place = { log: join(task.directory, "data/log"), index: join(task.directory, "data/index") }
  const view = await followLog(place.log)
  const began = { ms: performance.now(), cpu: process.cpuUsage() }
  const room = openSearchIndex({ ...place, tell: (_level, message) => tell(message) })
  const engine = new RoomEngine(room, view)
  try {
    const built = await buildFigures(room, view.head().size, began)
    const warm: Warm[] = []
    for (const kind of kindsOf(bench.chosen, bench.endMs)) {
      tell(`index room, warm: ${kind.name}`)
      warm.push(await measureWarm(engine, kind, task.effort))
    }
    await engine.close()
    // Of a log that fills no segment nothing is in files.
    const files = await indexStatus(place.log, place.index)
    const inFiles = files.indexed === 0 ? {} : { bytesPerEvent: files.bytes / files.indexed }
    return { built: { ...built, ...inFiles }, warm }
  } finally {
    await view.close()
  }
}

/** Waits until what was opened over an empty directory has indexed all entries. */
async function buildFigures(
  room: SearchIndex,
  size: number,
  began: { readonly ms: number; readonly cpu: NodeJS.CpuUsage },
): Promise<Built> {
  let told = began.ms
  while (room.state().indexed < size) {
    await new Promise((resolve) => setTimeout(resolve, lookMs))
    if (performance.now() - told < noteEveryMs) continue
    told = performance.now()
    tell(`index room: ${room.state().indexed} of ${size} entries are indexed`)
  }
  const seconds = (performance.now() - began.ms) / 1000
  const { user, system } = process.cpuUsage(began.cpu)
  const { indexed, bytes, memoryBytes } = room.state()
  return {
    events: indexed,
    eventsPerSecond: indexed / seconds,
    cpuSecondsPerMillion: (user + system) / indexed,
    bytesPerEvent: (bytes + memoryBytes) / indexed,
    rssMb: peakRssMb(process.pid),
  }
}

/** Asks the room as the read API does, without the network, the record and the proofs. */
class RoomEngine implements Engine {
  readonly #index: SearchIndex
  readonly #view: LogView

  constructor(index: SearchIndex, view: LogView) {
    this.#index = index
    this.#view = view
  }

  async ask(question: Question): Promise<readonly Answer[]> {
    if (question.ask === "newest") return [await this.#search(question.where)]
    if (question.ask === "pages") return this.#turnPages(question.where)
    const began = performance.now()
    const query = parseQuery(queryText(question.where))
    const { since, until } = question.where
    const times = {
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    }
    const to = this.#index.state().indexed
    const range = { query, from: 0, to, ms: budgetMs, ...times }
    if (question.ask === "histogram") {
      const interval = question.hours * hourUs
      const { buckets, examined } = await this.#index.histogram({ ...range, interval })
      const ms = performance.now() - began
      return [{ rows: buckets.length, ms, whole: examined.from === 0 && examined.to === to }]
    }
    const wanted = ["actor", "action", "outcome", "source"] as const
    const { fields, examined } = await this.#index.facets({
      ...range,
      fields: wanted,
      top: facetTop,
    })
    const ms = performance.now() - began
    const rows = wanted.reduce((sum, field) => sum + (fields[field]?.length ?? 0), 0)
    return [{ rows, ms, whole: examined.from === 0 && examined.to === to }]
  }

  async close(): Promise<void> {
    await this.#index.close()
  }

  async #turnPages(where: Condition): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    let before: number | undefined
    for (let page = 0; page < deepFrom + deepPages; page++) {
      const answer = await this.#search(where, before)
      if (page >= deepFrom) answers.push(answer)
      if (answer.last === undefined) break
      before = answer.last
    }
    return answers
  }

  async #search(
    where: Condition,
    before?: number,
  ): Promise<Answer & { readonly last: number | undefined }> {
    const began = performance.now()
    const query = parseQuery(queryText(where))
    const { indexed } = this.#index.state()
    const { since, until } = where
    const at = (time: number) => firstReceivedSince(this.#view, indexed, time)
    const from = since === undefined ? 0 : await at(since)
    const end = until === undefined ? indexed : await at(until)
    const range = { query, from, to: before ?? end, order: "desc" } as const
    const budget = { rows: pageRows, bytes: bytesMax, ms: budgetMs }
    const { hits, rest } = await this.#index.search({ ...range, ...budget })
    const ms = performance.now() - began
    const whole = hits.length >= pageRows || rest.from >= rest.to
    return { rows: hits.length, ms, whole, last: hits.at(-1)?.index }
  }
}

function tell(text: string): void {
  process.send?.({ note: text })
}

// Whoever asked is gone.
process.on("disconnect", () => process.exit(1))
run(JSON.parse(process.argv[2] ?? "") as RoomTask).then(
  (result) => process.send?.({ result }, () => process.exit(0)),
  (error) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  },
)
