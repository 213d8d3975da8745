import type { Compared, Skipped } from "./comparison.ts"
import type { Built } from "./engine-process.ts"
import type { Cold, Warm } from "./measured.ts"
import type { Pace, PaceRun } from "./pace.ts"
import type { Kind } from "./questions.ts"
import type { Reading } from "./reading.ts"

export interface RoomFigures {
  readonly built: Built
  readonly warm: readonly Warm[]
}

export interface Measured {
  readonly kinds: readonly Kind[]
  readonly room?: RoomFigures | undefined
  readonly reading?: Reading | undefined
  readonly pace?: Pace | undefined
  readonly compared?: readonly Compared[] | undefined
  readonly skipped?: readonly Skipped[] | undefined
}

/** Everything that was measured, as Markdown. */
export function formatMeasured(measured: Measured): string {
  const { room, reading, pace, compared = [], skipped = [] } = measured
  const blocks: string[] = []
  if (room !== undefined || compared.length > 0) blocks.push(formatBuilds(room, compared))
  if (reading !== undefined || room !== undefined || compared.length > 0) {
    blocks.push(formatQuestions(measured))
  }
  if (reading !== undefined) {
    const start = `the reader listens ${show(reading.coldStartMs)} ms after a cold start`
    blocks.push(`${start}; it had ${reading.rssMb.toFixed(0)} MB resident at most.`)
  }
  if (pace !== undefined) blocks.push(formatPace(pace))
  const failures = failuresOf(measured)
  if (failures.length > 0) blocks.push(failures.join("\n"))
  const left = skipped.map(({ engine, why }) => `${engine} is left out: ${why}.`)
  if (left.length > 0) blocks.push(left.join("\n"))
  return blocks.join("\n\n")
}

/** Why questions were not answered, each reason once for each engine. */
function failuresOf({ room, reading, compared = [] }: Measured): string[] {
  const sources: readonly (readonly [string, readonly (Warm | Cold)[]])[] = [
    ["the index room", room?.warm ?? []],
    ["the reader", [...(reading?.warm ?? []), ...(reading?.cold ?? [])]],
    ...compared.map(({ engine, warm, cold }) => [engine, [...warm, ...cold]] as const),
  ]
  return sources.flatMap(([name, rows]) => {
    const reasons = rows.flatMap(({ kind, failed }) =>
      failed === undefined ? [] : [[failed, kind]],
    )
    return [...new Map(reasons as [string, string][])].map(
      ([failed, kind]) => `Failed: ${name}, ${kind}: ${failed}`,
    )
  })
}

function formatBuilds(room: RoomFigures | undefined, compared: readonly Compared[]): string {
  const rows = [
    ...(room === undefined
      ? []
      : [{ engine: "Postern's index", holds: "places in the log", built: room.built }]),
    ...compared,
  ]
  return formatRows(
    ["engine", "entries", "entries/s", "CPU s/M", "bytes/entry", "RSS MB", "holds"],
    rows.map(({ engine, holds, built }) => [
      engine,
      count(built.events),
      count(built.eventsPerSecond),
      built.cpuSecondsPerMillion.toFixed(1),
      built.bytesPerEvent.toFixed(1),
      built.rssMb.toFixed(0),
      holds,
    ]),
  )
}

/** One line a kind; of each engine p50 / p95 warm, and the first answer cold. */
function formatQuestions({ kinds, room, reading, compared = [] }: Measured): string {
  const head = ["milliseconds, warm p50 / p95, cold", "aim"]
  if (reading !== undefined) head.push("by HTTP", "of it recording", "of it finding", "cold, worst")
  if (room !== undefined) head.push("index room")
  for (const { engine, built } of compared) {
    head.push(`${engine}, ${shortCount(built.events)}`, "cold")
  }
  const body = kinds.map(({ name, aimMs }) => {
    const line = [name, String(aimMs)]
    if (reading !== undefined) line.push(...readingCells(reading, name))
    if (room !== undefined) line.push(warmCell(find(room.warm, name)))
    for (const { warm, cold } of compared) {
      line.push(warmCell(find(warm, name)), coldCell(find(cold, name)))
    }
    return line
  })
  return formatRows(head, body)
}

function readingCells({ warm, cold }: Reading, name: string): string[] {
  const row = find(warm, name)
  return [
    warmCell(row),
    pairCell(row?.recordP50Ms, row?.recordP95Ms),
    pairCell(row?.findP50Ms, row?.findP95Ms),
    worstCell(find(cold, name)),
  ]
}

function find<Row extends { readonly kind: string }>(
  rows: readonly Row[],
  kind: string,
): Row | undefined {
  return rows.find((row) => row.kind === kind)
}

function warmCell(row: Warm | undefined): string {
  if (row === undefined) return "–"
  if (row.failed !== undefined) return "failed"
  const cut = row.cut === 0 ? "" : ` (${row.cut} of ${row.questions} cut)`
  return `${pairCell(row.p50Ms, row.p95Ms)}${cut}`
}

function pairCell(low: number | undefined, high: number | undefined): string {
  return low === undefined || high === undefined ? "–" : `${show(low)} / ${show(high)}`
}

function coldCell(row: Cold | undefined): string {
  if (row === undefined) return "–"
  return row.failed === undefined ? show(row.ms) : "failed"
}

function worstCell(row: Cold | undefined): string {
  if (row === undefined) return "–"
  if (row.failed !== undefined) return "failed"
  const cut = row.cut === 0 ? "" : ` (${row.cut} cut)`
  return `${show(row.ms)}, ${show(row.worstMs)}${cut}`
}

function formatPace({ runs, p50Ratio, p99Ratio }: Pace): string {
  const rows = runs.map((run: PaceRun) => [
    run.withIndex ? "port, reader with index" : "port alone",
    count(run.eventsPerSecond),
    run.ackP50Ms.toFixed(2),
    run.ackP99Ms.toFixed(2),
    run.portCores.toFixed(2),
    run.readerCores.toFixed(2),
    run.withIndex ? run.readerRssMb.toFixed(0) : "–",
    run.lag === undefined ? "–" : count(run.lag),
  ])
  const head = ["beside", "events/s", "ack p50 ms", "p99", "port cores", "reader cores", "RSS MB"]
  const table = formatRows([...head, "behind at the end"], rows)
  const ratios = `p50 ${p50Ratio.toFixed(2)}, p99 ${p99Ratio.toFixed(2)}`
  return `${table}\n\nMedian of the pairs' ratios, with the index to without: ${ratios}.`
}

function formatRows(head: readonly string[], body: readonly (readonly string[])[]): string {
  const lines = [head, ...body]
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  const isText = (i: number): boolean => body.every((line) => !/^[\d–]/.test(line[i] ?? ""))
  const pad = (text: string, i: number): string => {
    return isText(i) ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)
  }
  const rule = widths.map((width, i) =>
    isText(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  )
  const line = (texts: readonly string[]): string => `| ${texts.map(pad).join(" | ")} |`
  return [line(head), `| ${rule.join(" | ")} |`, ...body.map(line)].join("\n")
}

function show(ms: number): string {
  if (Number.isNaN(ms)) return "–"
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0)
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US")
}

function shortCount(value: number): string {
  return value >= 1e6 ? `${+(value / 1e6).toFixed(1)} M` : `${Math.round(value / 1e3)} k`
}
