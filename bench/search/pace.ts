import { mkdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { cpuSeconds, peakRssMb } from "../process-figures.ts"
import { median } from "../samples.ts"
import { house, type Tree } from "../tree.ts"
import { runChild } from "./child.ts"
import type { PaceFigures, PaceTask } from "./pace-writer.ts"
import { settlePorts, startProcess } from "./processes.ts"
import { ReadApiEngine } from "./read-api.ts"
import { indexedEntries } from "./reading.ts"

/** One run of a port under steady load, alone or with the reader and its index beside it. */
export interface PaceRun extends PaceFigures {
  readonly withIndex: boolean
  /** CPU cores of the port and of the reader, over the whole run. */
  readonly portCores: number
  readonly readerCores: number
  readonly readerRssMb: number
  /** Entries that the index was behind the log when the load ended; undefined without one. */
  readonly lag: number | undefined
}

export interface Pace {
  readonly runs: readonly PaceRun[]
  /** Median of the pairs' ratios of the ack's p99 and p50, with the index to without. */
  readonly p99Ratio: number
  readonly p50Ratio: number
}

export interface PaceEffort {
  readonly pairs: number
  readonly eventsPerSecond: number
  readonly warmMs: number
  readonly measureMs: number
}

const programme = new URL("pace-writer.ts", import.meta.url)

/** Fresh installations under the same load in pairs, whose order alternates: the machine's speed drifts. */
export async function measurePace(
  tree: Tree,
  effort: PaceEffort,
  note: (text: string) => void,
): Promise<Pace> {
  const runs: PaceRun[] = []
  const ratios: { p50: number; p99: number }[] = []
  for (let pair = 0; pair < effort.pairs; pair++) {
    const order = pair % 2 === 0 ? [false, true] : [true, false]
    const two: PaceRun[] = []
    for (const withIndex of order) {
      note(
        `keeping pace, pair ${pair + 1} of ${effort.pairs}, ${withIndex ? "with" : "without"} the index`,
      )
      two.push(await measureOne(tree, withIndex, effort))
    }
    runs.push(...two)
    const [on, off] = [two.find((run) => run.withIndex), two.find((run) => !run.withIndex)]
    if (on === undefined || off === undefined) continue
    ratios.push({ p50: on.ackP50Ms / off.ackP50Ms, p99: on.ackP99Ms / off.ackP99Ms })
  }
  const p50Ratio = median(ratios.map(({ p50 }) => p50))
  return { runs, p50Ratio, p99Ratio: median(ratios.map(({ p99 }) => p99)) }
}

async function measureOne(tree: Tree, withIndex: boolean, effort: PaceEffort): Promise<PaceRun> {
  // On the disk of the checkout, where the bench of the port works too and clears up after what was killed.
  const directory = join(house, "bench", ".work", String(process.pid))
  mkdirSync(directory, { recursive: true })
  try {
    await tree.initDirectory({ directory: join(directory, "pace") })
    return await measureIn(join(directory, "pace"), withIndex, effort)
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function measureIn(
  directory: string,
  withIndex: boolean,
  { eventsPerSecond, warmMs, measureMs }: PaceEffort,
): Promise<PaceRun> {
  await settlePorts(directory)
  const port = await startProcess("port", directory)
  const reader = withIndex ? await startProcess("reader", directory) : undefined
  const api = reader && new ReadApiEngine(join(directory, "profiles/reader.yaml"), reader.port)
  try {
    const before = [
      cpuSeconds(port.pid),
      reader === undefined ? 0 : cpuSeconds(reader.pid),
    ] as const
    const began = performance.now()
    const profile = join(directory, "profiles/writer.yaml")
    const load = { port: port.port, profile, eventsPerSecond, warmMs, measureMs }
    const figures = await runChild<PaceFigures>(programme, load satisfies PaceTask, () => undefined)
    const seconds = (performance.now() - began) / 1000
    const state = api === undefined ? undefined : await indexedEntries(api)
    return {
      ...figures,
      withIndex,
      portCores: (cpuSeconds(port.pid) - before[0]) / seconds,
      readerCores: reader === undefined ? 0 : (cpuSeconds(reader.pid) - before[1]) / seconds,
      readerRssMb: reader === undefined ? 0 : peakRssMb(reader.pid),
      lag: state && state.size - state.indexed,
    }
  } finally {
    await api?.close()
    await reader?.stop()
    await port.stop()
  }
}
