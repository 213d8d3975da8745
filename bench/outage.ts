/**
 * `node bench/outage.ts`: what an outage of the port costs those who write, and what comes of their events. An application with the SDK and a
 * `postern agent` (a file that grows as fast as the application writes, and bodies over HTTP at a tenth of that) go on while the port is away for as many events as
 * an hour has at 1,000 a second; then it comes back and they catch up beside what they still write. Twice: with spools that take all of
 * it, and with spools that do not. At the end each event is looked for in the log, by its number. Linux only.
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { countInLog, type LogCount } from "./outage/log-count.ts"
import { Memory, type MemoryFigures } from "./outage/memory.ts"
import { killWriters, type Reached, Writers } from "./outage/writers.ts"
import { cpuSeconds } from "./process-figures.ts"
import { cleanUp, removeLeftovers, type Server, withServer } from "./server.ts"
import { house, loadTree } from "./tree.ts"

const usage =
  "node bench/outage.ts [--events N] [--rate EVENTS_PER_SECOND] [--large BYTES] [--small BYTES] [--only large|small] [--json FILE]\n"
const lookMs = 100
const warmMs = 10_000
const drainMsMax = 900_000
const mebibyte = 1024 * 1024

interface Load {
  readonly events: number
  readonly rate: number
  readonly spoolBytes: number
}

interface WriterRow {
  readonly writer: string
  readonly spoolMb: number
  readonly memory: MemoryFigures
  /** CPU seconds of the process for a million of its events, while the port was away. */
  readonly awayCpu: number
}

interface SourceRow {
  readonly source: string
  readonly spoolMb: number
  readonly written: number
  readonly inLog: number
  readonly twice: number
  /** Events that the log says were lost. */
  readonly toldLost: number
  /** From the moment at which the port listened again. */
  readonly drainSeconds: number
}

interface Found {
  readonly awaySeconds: number
  readonly writers: readonly WriterRow[]
  readonly sources: readonly SourceRow[]
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function measure(server: Server, load: Load): Promise<Found> {
  const { rate, spoolBytes } = load
  const writers = await Writers.start(server, { rate, spoolBytes })
  await pause(warmMs)
  const pids = { application: writers.applicationPid, agent: writers.agentPid }
  const memories = Object.entries(pids).map(([name, pid]) => ({ name, pid, of: new Memory(pid) }))
  const before = memories.map(({ pid }) => cpuSeconds(pid))
  const begun = await writers.reached()
  const wentMs = performance.now()
  await server.stop("SIGKILL")
  for (let done = 0; done < load.events; ) {
    await pause(lookMs)
    done = (await writers.reached()).application.written - begun.application.written
    for (const { of } of memories) of.look(Math.min(1, done / load.events))
  }
  const awayCpu = memories.map(({ pid }, i) => cpuSeconds(pid) - (before[i] ?? 0))
  const awaySeconds = (performance.now() - wentMs) / 1000
  const again = await server.restart()
  try {
    writers.pointTo(again.port)
    const drained = await drain(writers, rate, () => {
      for (const { of } of memories) of.look(1)
    })
    const written = await writers.finish()
    const log = await countInLog(again.directory, written)
    const millions = { application: load.events / 1e6, agent: (load.events * 1.1) / 1e6 }
    const spoolMb = spoolBytes / mebibyte
    return {
      awaySeconds,
      writers: memories.map(({ name, of }, i) => {
        const share = millions[name as keyof typeof millions]
        return { writer: name, spoolMb, memory: of.figures, awayCpu: (awayCpu[i] ?? NaN) / share }
      }),
      sources: rowsOf(log, drained, spoolMb),
    }
  } finally {
    await again.stop("SIGKILL")
  }
}

type Drained = Record<keyof Reached, number>

/** Until each of them is no further behind than a second. */
async function drain(writers: Writers, rate: number, look: () => void): Promise<Drained> {
  const began = performance.now()
  const drained: Partial<Drained> = {}
  for (;;) {
    await pause(lookMs)
    look()
    const seconds = (performance.now() - began) / 1000
    const reached = await writers.reached()
    for (const name of ["application", "file", "http"] as const) {
      if (reached[name].behind < rate) drained[name] ??= seconds
    }
    const { application, file, http } = drained
    if (application !== undefined && file !== undefined && http !== undefined) {
      return { application, file, http }
    }
    if (seconds * 1000 > drainMsMax) throw new Error(`not drained: ${JSON.stringify(reached)}`)
  }
}

function rowsOf(log: LogCount, drained: Drained, spoolMb: number): SourceRow[] {
  return log.sources.map(({ source, written, inLog, twice, toldLost }) => {
    const row = { source, spoolMb, written, inLog, twice, toldLost }
    return { ...row, drainSeconds: drained[source] }
  })
}

function format(found: readonly Found[]): string {
  const writers = found.flatMap((one) => one.writers)
  const sources = found.flatMap((one) => one.sources)
  const rss = ({ start, quarter, half, end, most }: MemoryFigures): string =>
    [start, quarter, half, end, most].map((mb) => mb.toFixed(0)).join(" | ")
  return [
    `away for ${found.map(({ awaySeconds }) => awaySeconds.toFixed(0)).join(" and ")} s`,
    "",
    "| resident MB | spool MB | start | ¼ | ½ | end | highest | CPU s/M while away |",
    "| ----------- | -------: | ----: | -: | -: | --: | ------: | -----------------: |",
    ...writers.map(({ writer, spoolMb, memory, awayCpu }) => {
      return `| ${writer} | ${spoolMb.toFixed(0)} | ${rss(memory)} | ${awayCpu.toFixed(1)} |`
    }),
    "",
    "| source | spool MB | written | in the log | twice | told as lost | neither | drained after s |",
    "| ------ | -------: | ------: | ---------: | ----: | -----------: | ------: | --------------: |",
    ...sources.map(({ source, spoolMb, written, inLog, twice, toldLost, drainSeconds }) => {
      const counts = [written, inLog, twice, toldLost, written - inLog - toldLost]
      const figures = counts.map((count) => count.toLocaleString("en")).join(" | ")
      return `| ${source} | ${spoolMb.toFixed(0)} | ${figures} | ${drainSeconds.toFixed(1)} |`
    }),
  ].join("\n")
}

function readOptions() {
  const text = { type: "string" } as const
  const names = { events: text, rate: text, large: text, small: text, only: text, json: text }
  const { values } = parseArgs({ options: names })
  const { events = "3600000", rate = "10000", only, json } = values
  const { large = String(4096 * mebibyte), small = String(256 * mebibyte) } = values
  const numbers = { events: Number(events), rate: Number(rate) }
  const spools = [...(only === "small" ? [] : [large]), ...(only === "large" ? [] : [small])]
  const all = [...Object.values(numbers), ...spools.map(Number)]
  if (all.some((value) => !(value > 0 && value <= 64 * 1024 * mebibyte))) throw new Error(usage)
  return { ...numbers, spools: spools.map(Number), json }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => process.exit(130))
}
process.on("exit", () => {
  killWriters()
  cleanUp()
})
if (process.platform !== "linux") throw new Error("CPU and memory are read from Linux's /proc")
removeLeftovers()
const { spools, json, ...load } = readOptions()
const tree = await loadTree(house)
const found: Found[] = []
for (const spoolBytes of spools) {
  found.push(await withServer(tree, "none", (server) => measure(server, { ...load, spoolBytes })))
}
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ ...load, found }, null, 2)}\n`)
process.stdout.write(`${format(found)}\n`)
