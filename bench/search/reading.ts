import { join } from "node:path"
import { peakRssMb } from "../process-figures.ts"
import type { BenchLog } from "./bench-log.ts"
import { dropFromCache } from "./files.ts"
import {
  type Cold,
  type Effort,
  type Engine,
  measureCold,
  measureWarm,
  type Warm,
} from "./measured.ts"
import { type Running, settlePorts, startProcess } from "./processes.ts"
import { type Kind, kindsOf } from "./questions.ts"
import { ReadApiEngine } from "./read-api.ts"

/** The reader process as its users meet it. */
export interface Reading {
  readonly warm: readonly Warm[]
  readonly cold: readonly Cold[]
  /** Most memory of the reader process while it answered, MiB. */
  readonly rssMb: number
  /** From the start of the reader process until it listened, with nothing in the page cache; median. */
  readonly coldStartMs: number
}

const readerRounds = 3
const settleMsMax = 1_800_000
const settlePauseMs = 1_000

/** Port and reader over the log, and questions by HTTP with client certificates. */
export async function measureReading(
  log: BenchLog,
  effort: Effort,
  note: (text: string) => void,
): Promise<Reading> {
  const { directory } = log
  await settlePorts(directory)
  const port = await startProcess("port", directory)
  try {
    const kinds = kindsOf(log.chosen, log.endMs)
    const reader = await startProcess("reader", directory)
    const api = openApi(directory, reader)
    const warm: Warm[] = []
    let rssMb = 0
    try {
      await untilIndexed(api, note)
      for (const kind of kinds) {
        note(`reader, warm: ${kind.name}`)
        warm.push(await measureWarm(api, kind, effort))
      }
      rssMb = peakRssMb(reader.pid)
    } finally {
      await api.close()
      await reader.stop()
    }
    return { warm, ...(await measureColdReading(directory, kinds, note)), rssMb }
  } finally {
    await port.stop()
  }
}

function openApi(directory: string, reader: Running): ReadApiEngine {
  return new ReadApiEngine(join(directory, "profiles/reader.yaml"), reader.port)
}

async function measureColdReading(
  directory: string,
  kinds: readonly Kind[],
  note: (text: string) => void,
): Promise<{ readonly cold: readonly Cold[]; readonly coldStartMs: number }> {
  const starts: number[] = []
  const open = async (): Promise<Engine> => {
    await dropFromCache(join(directory, "data/index"), join(directory, "data/log"))
    const reader = await startProcess("reader", directory)
    starts.push(reader.startMs)
    const waiting = openApi(directory, reader)
    await untilIndexed(waiting, note)
    await waiting.close()
    // What the start has read is not to help the question.
    await dropFromCache(join(directory, "data/index"), join(directory, "data/log"))
    const api = openApi(directory, reader)
    return {
      ask: (question) => api.ask(question),
      async close() {
        await api.close()
        await reader.stop()
      },
    }
  }
  const cold: Cold[] = []
  for (const kind of kinds.filter(({ walks }) => walks === undefined)) {
    note(`reader, cold: ${kind.name}`)
    cold.push(await measureCold({ rounds: readerRounds, open }, kind))
  }
  const coldStartMs = starts.sort((a, b) => a - b)[starts.length >> 1] ?? Number.NaN
  return { cold, coldStartMs }
}

/** How far log and index go. Asking is recorded, as every read is. */
export async function indexedEntries(
  api: ReadApiEngine,
): Promise<{ readonly size: number; readonly indexed: number }> {
  const { status, body } = await api.get("/v1/search?limit=1")
  if (status !== 200) throw new Error(`/v1/search answers ${status}: ${body.slice(0, 300)}`)
  const { size, indexed } = JSON.parse(body) as { size: number; indexed: number }
  return { size, indexed }
}

/** Waits until the index has reached what was the log's end when this began. */
async function untilIndexed(api: ReadApiEngine, note: (text: string) => void): Promise<void> {
  const { size } = await indexedEntries(api)
  const deadline = performance.now() + settleMsMax
  for (let looks = 1; ; looks++) {
    const { indexed } = await indexedEntries(api)
    if (indexed >= size) return
    if (performance.now() > deadline) throw new Error("the index does not catch up with the log")
    if (looks % 10 === 0) note(`the reader has indexed ${indexed} of ${size} entries`)
    await new Promise((resolve) => setTimeout(resolve, settlePauseMs))
  }
}
