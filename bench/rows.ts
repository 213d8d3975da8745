import { cpus, release, totalmem } from "node:os"
import type { Cell } from "./cells.ts"
import { median } from "./samples.ts"
import type { Figures } from "./task.ts"

/** One row: the medians of its runs. */
export interface Row extends Omit<Cell, "window">, Figures {
  readonly server: "postern"
  /** Frames in flight per connection; loads below full are bounded by credit only. */
  readonly window: number
  readonly runs: number
}

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: `${process.platform} ${release()}`,
    node: process.version,
  }
}

export function rowOf(cell: Cell, runs: readonly Figures[]): Row {
  const names = Object.keys(runs[0] ?? {}) as (keyof Figures)[]
  const figures = names.map((name) => [name, median(runs.map((run) => run[name]))] as const)
  const medians = Object.fromEntries(figures) as unknown as Figures
  return { server: "postern", ...cell, ...medians, runs: runs.length }
}

const columns: readonly (readonly [string, (row: Row) => string])[] = [
  ["protocol", (row) => row.protocol],
  ["event", (row) => row.event],
  ["conn.", (row) => String(row.connections)],
  ["batch", (row) => String(row.batch)],
  ["load", (row) => (row.window === 1 && row.protocol === "postern/1" ? "one" : row.load)],
  ["policy", (row) => row.policy],
  ["events/s", (row) => formatCount(row.eventsPerSecond)],
  ["MB/s", (row) => row.mbPerSecond.toFixed(1)],
  ["CPU s/M", (row) => row.cpuSecondsPerMillion.toFixed(2)],
  ["RSS MB", (row) => row.rssMb.toFixed(0)],
  ["ack p50 ms", (row) => row.ackP50Ms.toFixed(2)],
  ["p99", (row) => row.ackP99Ms.toFixed(2)],
  ["p99.9", (row) => row.ackP999Ms.toFixed(2)],
  ["cores", (row) => row.serverCores.toFixed(2)],
  ["generator", (row) => row.generatorCores.toFixed(2)],
]

export function formatTable(rows: readonly Row[]): string {
  const cells = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, show]) => show(row))),
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)))
  const isText = (i: number): boolean => i === 0 || i === 1 || i === 4 || i === 5
  const pad = (text: string, i: number): string => {
    return isText(i) ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)
  }
  const line = (texts: readonly string[]): string => `| ${texts.map(pad).join(" | ")} |`
  const rule = widths.map((width, i) =>
    isText(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  )
  const [head = [], ...body] = cells
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n")
}

function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US")
}
