import type { Facets, Histogram } from "@postern/client"
import { formatTable } from "./table.ts"

const barWidth = 50
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

/** Buckets as bars, one a line, the empty ones between them too; what is no success is told by a number of its own. */
export function formatHistogram(histogram: Histogram, color: boolean): string {
  const { buckets, interval, since, until } = histogram
  const known = new Map(buckets.map(({ at, counts }) => [at, counts]))
  const first = Math.floor(since / interval) * interval
  const sums = buckets.map(({ counts }) => sumOf(counts))
  const most = Math.max(1, ...sums)
  const lines: string[] = []
  for (let at = first; at < until; at += interval) {
    const counts = known.get(at) ?? {}
    const total = sumOf(counts)
    const other = total - (counts.success ?? 0)
    const bar = formatBar((total / most) * barWidth)
    const marked = color && other > 0 ? `\u001b[31m${bar}\u001b[0m` : bar
    const tail = other === 0 ? "" : `  ${other} not success`
    lines.push(`${labelOf(at, interval)} ${String(total).padStart(8)} ${marked}${tail}`.trimEnd())
  }
  return lines.join("\n")
}

/** The most frequent values of each field, with their share. */
export function formatFacets({ facets, total }: Facets, color: boolean): string {
  const rows = Object.entries(facets).flatMap(([field, values]) =>
    values.map(({ value, count }, at) => [
      at === 0 ? field : "",
      value,
      String(count),
      `${((100 * count) / Math.max(1, total)).toFixed(1)} %`,
    ]),
  )
  return formatTable(["field", "value", "count", "share"], rows, { color })
}

/** A short line of blocks, one a number. */
export function formatSparkline(numbers: readonly number[]): string {
  const blocks = "▁▂▃▄▅▆▇█"
  const most = Math.max(1, ...numbers)
  return numbers.map((n) => (n === 0 ? " " : blocks[Math.ceil((n / most) * 8) - 1])).join("")
}

/** What a person must know of counts before believing them. */
export function formatReach({ indexed, size, complete }: Histogram | Facets): string | undefined {
  if (!complete) return "not all was counted in time; ask for a shorter time, or for less"
  return indexed < size ? `the index holds ${indexed} of ${size} entries so far` : undefined
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

/** @param width in characters; whatever is above 0 is seen */
export function formatBar(width: number): string {
  const whole = Math.floor(width)
  const rest = eighths[Math.floor((width - whole) * 8)] ?? ""
  return width > 0 ? "█".repeat(whole) + rest || "▏" : ""
}

/** UTC, as long as the buckets need it. */
function labelOf(at: number, interval: number): string {
  const text = new Date(at / 1000).toISOString().replace("T", " ")
  if (interval >= 86_400e6) return text.slice(0, 10)
  return interval >= 60e6 ? text.slice(0, 16) : text.slice(0, 19)
}
