import { join } from "node:path"
import { parseEntry } from "@postern/log/event"
import { followLog } from "../../packages/server/dist/disk/index.js"
import type { Reached } from "./writers.ts"

/** What the log has of one source's events, which are numbered from 0. */
export interface SourceCount {
  readonly source: keyof Reached
  readonly written: number
  /** Different numbers. */
  readonly inLog: number
  readonly twice: number
  /** Events of its stream that the log says were lost. */
  readonly toldLost: number
}

export interface LogCount {
  readonly entries: number
  readonly sources: readonly SourceCount[]
}

const bytesAtOnce = 4 * 1024 * 1024
const names = ["application", "file", "http"] as const

/** Reads the whole log and looks for each number. A stream is the source's of which it holds events. */
export async function countInLog(
  directory: string,
  written: Record<keyof Reached, number>,
): Promise<LogCount> {
  const seen = new Map(names.map((name) => [name, new Uint8Array(written[name])]))
  const twice = new Map(names.map((name) => [name, 0]))
  const streams = new Map<number, keyof Reached>()
  const lost = new Map<number, number>()
  const view = await followLog(join(directory, "data/log"))
  const { size } = view.head()
  for (let at = view.head().minimum; at < size; ) {
    const leaves = await view.leaves(at, size, bytesAtOnce)
    at += leaves.length
    for (const leaf of leaves) {
      const { stamp, event } = parseEntry(leaf)
      const data = (event.data ?? {}) as Readonly<Record<string, unknown>>
      if (event.action === "postern.stream.gap") {
        const open = Number(data.open)
        lost.set(open, (lost.get(open) ?? 0) + Number(data.count))
      }
      const [name, number] = numberOf(data)
      if (name === undefined) continue
      streams.set(stamp.open, name)
      const known = seen.get(name) as Uint8Array
      if (number >= known.length) throw new Error(`${name} ${number} was never written`)
      if (known[number] === 1) twice.set(name, (twice.get(name) ?? 0) + 1)
      known[number] = 1
    }
  }
  await view.close()
  const sources = names.map((source): SourceCount => {
    const inLog = (seen.get(source) as Uint8Array).reduce((sum, one) => sum + one, 0)
    const toldLost = [...lost].reduce(
      (sum, [open, count]) => (streams.get(open) === source ? sum + count : sum),
      0,
    )
    const count = { source, written: written[source], inLog, twice: twice.get(source) ?? 0 }
    return { ...count, toldLost }
  })
  return { entries: size, sources }
}

function numberOf(
  data: Readonly<Record<string, unknown>>,
): [keyof Reached, number] | [undefined, 0] {
  if (typeof data.application === "number") return ["application", data.application]
  if (typeof data.http === "number") return ["http", data.http]
  if (typeof data.line === "string") return ["file", Number.parseInt(data.line, 10)]
  return [undefined, 0]
}
