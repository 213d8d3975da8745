import { useEffect, useMemo, useRef, useState } from "react"
import uPlot from "uplot"
import type { HistogramAnswer } from "../api/index.ts"
import { theme, useKept, type Zone, zone } from "../kept/index.ts"
import { counted, formatCount, formatMoment, formatSpan, Outcome } from "../look/index.ts"
import { Coverage } from "./coverage-line.tsx"
import { filled, stack, stackOrder, totals } from "./histogram-data.ts"

const heightPixels = 84

/** Counts by received time and outcome; a stretch that is drawn with the mouse becomes the time range. */
export function Histogram({
  answer,
  onBrush,
}: {
  readonly answer: HistogramAnswer
  /** Microseconds, from and to. */
  readonly onBrush: (from: number, to: number) => void
}) {
  const place = useRef<HTMLDivElement>(null)
  const chosenZone = useKept(zone)
  const chosenTheme = useKept(theme)
  const [hovered, setHovered] = useState<number | undefined>(undefined)
  const buckets = useMemo(() => filled(answer), [answer])
  const data = useMemo(() => stack(buckets), [buckets])
  const newest = useRef({ answer, onBrush })
  newest.current = { answer, onBrush }
  const plot = useRef<uPlot | undefined>(undefined)
  const drawn = useRef(data)
  drawn.current = data
  const { interval } = answer

  useEffect(() => {
    const element = place.current
    if (element === null || chosenTheme === undefined) return
    const brush = (from: number, to: number) => newest.current.onBrush(from, to)
    const made = new uPlot(
      optionsOf(element, interval, chosenZone, setHovered, brush),
      dataOf(drawn.current),
      element,
    )
    plot.current = made
    const watch = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: heightPixels })
    })
    watch.observe(element)
    return () => {
      watch.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [interval, chosenZone, chosenTheme])
  useEffect(() => plot.current?.setData(dataOf(data)), [data])

  const sums = totals(buckets)
  const bucket = hovered === undefined ? undefined : buckets[hovered]
  const counts = bucket?.counts ?? sums
  return (
    <figure className="histogram">
      <div ref={place} role="img" aria-label={spoken(answer, sums)} />
      <figcaption className="row spread small">
        <span className="row legend">
          {stackOrder
            .filter((name) => sums[name] > 0)
            .map((name) => (
              <span key={name} className="row">
                <i data-outcome={name} />
                <Outcome value={name} />
                <b className="tabular">{formatCount(counts[name] ?? 0)}</b>
              </span>
            ))}
        </span>
        <span className="quiet tabular">
          {bucket === undefined
            ? `${said(answer)} · bars of ${formatSpan(interval)} · drag to zoom`
            : `${formatMoment(bucket.at, chosenZone, "s")} + ${formatSpan(interval)}`}
        </span>
      </figcaption>
      <Coverage answer={answer} />
    </figure>
  )
}

function said(answer: HistogramAnswer): string {
  const count = counted(answer.total, "entry")
  return answer.complete ? count : `at least ${count}`
}

function spoken(answer: HistogramAnswer, sums: ReturnType<typeof totals>): string {
  const parts = stackOrder.filter((name) => sums[name] > 0).map((name) => `${sums[name]} ${name}`)
  return `Entries over time: ${said(answer)}. ${parts.join(", ")}`
}

function dataOf({ times, tops }: { times: number[]; tops: number[][] }): uPlot.AlignedData {
  // The highest is drawn first, and the lower ones over it.
  return [times, ...tops.toReversed()]
}

function optionsOf(
  element: HTMLElement,
  interval: number,
  chosenZone: Zone,
  hover: (bucket: number | undefined) => void,
  brush: (from: number, to: number) => void,
): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const seconds = interval / 1_000_000
  const bars = uPlot.paths.bars?.({ size: [0.86, 40, 1], align: 1 })
  const axis = {
    stroke: colour("--quiet"),
    font: "11px system-ui, sans-serif",
    ticks: { show: false },
    grid: { stroke: colour("--line"), width: 1 },
  }
  return {
    width: element.clientWidth,
    height: heightPixels,
    legend: { show: false },
    padding: [6, 4, 0, 0],
    tzDate: (time) =>
      chosenZone === "utc" ? uPlot.tzDate(new Date(time * 1000), "Etc/UTC") : new Date(time * 1000),
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
    },
    scales: {
      x: { range: (_plot, min, max) => [min, (max ?? min) + seconds] },
      y: { range: (_plot, _min, max) => [0, Math.max(1, max) * 1.08] },
    },
    axes: [
      { ...axis, size: 22, space: 90, values: (_plot, ticks) => clockTexts(ticks, chosenZone) },
      { ...axis, size: 46, space: 26, values: (_plot, ticks) => ticks.map(shortCount) },
    ],
    series: [
      {},
      ...stackOrder.toReversed().map((name) => ({
        fill: colour(`--bar-${name}`),
        stroke: colour(`--bar-${name}`),
        width: 0,
        points: { show: false },
        ...(bars === undefined ? {} : { paths: bars }),
      })),
    ],
    hooks: {
      setCursor: [(plot) => hover(plot.cursor.idx ?? undefined)],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return
          const from = plot.posToVal(plot.select.left, "x")
          const to = plot.posToVal(plot.select.left + plot.select.width, "x")
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          brush(Math.floor(from * 1e6), Math.ceil(to * 1e6))
        },
      ],
    },
  }
}

/** The time of day; where a day begins, or bars are days, the day. */
function clockTexts(ticks: readonly number[], chosenZone: Zone): string[] {
  let day = ""
  return ticks.map((seconds) => {
    const [date = "", clock = ""] = formatMoment(seconds * 1e6, chosenZone, "s").split(" ")
    const isNewDay = date !== day
    day = date
    if (clock === "00:00:00") return date.slice(5)
    const time = clock.endsWith(":00") ? clock.slice(0, 5) : clock
    return isNewDay && ticks.length > 1 ? `${date.slice(5)} ${time}` : time
  })
}

function shortCount(value: number): string {
  if (!Number.isInteger(value)) return ""
  return Intl.NumberFormat("en", { notation: "compact" }).format(value)
}
