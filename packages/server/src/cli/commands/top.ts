import { setTimeout as pause } from "node:timers/promises"
import type { Histogram, LogEntry, Reader, WriterState } from "@postern/client"
import type { Command } from "commander"
import { formatSparkline } from "../counts-text.ts"
import { entryCells, entryHead } from "../entry-line.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { jsonOption, profileOption, wholeNumber } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { formatTable } from "../table.ts"

interface Options {
  readonly profile: string
  readonly every: number
  readonly once?: true
  readonly json?: true
}

export function registerTop(program: Command, io: CommandIo): void {
  program
    .command("top")
    .helpGroup(helpGroups.everyDay)
    .summary("watch who writes how much, and what was not allowed")
    .description("Shows the busiest writers and the newest denials and failures, until Ctrl-C.")
    .addOption(profileOption())
    .option("--every <seconds>", "between two looks", wholeNumber("--every", 1, 3600), 2)
    .option("--once", "look once")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (options: Options) => {
      await top(options, io)
    })
}

const examples = `
Examples:
  postern top --profile reader.yaml
  postern top --profile reader.yaml --once --json`

const minutes = 30
const newestMax = 10

/** What one look found. */
interface Look {
  readonly atMs: number
  readonly writers: readonly WriterState[]
  readonly minutes: Histogram
  readonly refused: readonly LogEntry[]
}

async function top(options: Options, io: CommandIo): Promise<void> {
  const reader = openRememberingReader(options.profile, io, true)
  const end = new AbortController()
  const stop = () => end.abort()
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, stop)
  const refused = await newestRefused(reader, io)
  let broken: unknown
  const watching = options.once
    ? undefined
    : watch(reader, refused, end.signal).catch((error) => {
        broken = error
        end.abort()
      })
  try {
    let before: Look | undefined
    do {
      const look = await lookAt(reader, refused, io)
      if (options.json) io.line(JSON.stringify(rates(look, before)))
      // Home and clear, so that the screen does not flicker as it would with a clear first.
      else
        io.line(`${io.color && !options.once ? "\u001b[H\u001b[J" : ""}${format(look, before, io)}`)
      before = look
      if (options.once) return
      await pause(options.every * 1000, undefined, { signal: end.signal }).catch(() => undefined)
    } while (!end.signal.aborted)
  } finally {
    end.abort()
    await watching
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stop)
    reader.close()
  }
  if (broken !== undefined) throw broken
}

const question = "outcome:(denied OR failure OR error)"

function beginning(io: CommandIo): string {
  return new Date(io.now().getTime() - minutes * 60_000).toISOString()
}

/** Newest first. */
async function newestRefused(reader: Reader, io: CommandIo): Promise<LogEntry[]> {
  const found: LogEntry[] = []
  const how = { since: beginning(io), limit: newestMax }
  for await (const entry of reader.search(question, how)) found.push(entry)
  return found
}

/** A tail, since a search at each look would write an entry each time. */
async function watch(reader: Reader, refused: LogEntry[], signal: AbortSignal): Promise<void> {
  for await (const entry of reader.tail(question, { signal })) {
    refused.unshift(entry)
    refused.length = Math.min(refused.length, newestMax)
  }
}

async function lookAt(reader: Reader, refused: readonly LogEntry[], io: CommandIo): Promise<Look> {
  const since = `${beginning(io).slice(0, 16)}:00Z`
  const histogram = await reader.histogram("", { since, buckets: minutes + 2 })
  const writers = await reader.writers()
  return { atMs: io.now().getTime(), writers, minutes: histogram, refused }
}

/** Events a second of each writer since the look before; null at the first. */
function rates({ atMs, writers }: Look, before: Look | undefined) {
  const seconds = before === undefined ? 0 : (atMs - before.atMs) / 1000
  const rows = writers.map(({ id, entries, silent, losses }) => {
    const earlier = before?.writers.find((writer) => writer.id === id)?.entries ?? entries
    const perSecond = seconds > 0 ? Math.round((10 * (entries - earlier)) / seconds) / 10 : null
    return { writer: id, perSecond, entries, silent, losses }
  })
  return rows.sort((a, b) => (b.perSecond ?? 0) - (a.perSecond ?? 0) || b.entries - a.entries)
}

function format(look: Look, before: Look | undefined, { color }: CommandIo): string {
  const rows = rates(look, before)
  const total = rows.reduce((sum, { perSecond }) => sum + (perSecond ?? 0), 0)
  const perMinute = look.minutes.buckets.map(({ counts }) => {
    return Object.values(counts).reduce((sum, count) => sum + count, 0)
  })
  const writers = rows
    .slice(0, 15)
    .map(({ writer, perSecond, entries, silent, losses }) => [
      writer.replace(/^spiffe:\/\/[^/]+\//, ""),
      perSecond === null ? "" : perSecond.toFixed(1),
      String(entries),
      losses === 0 ? "" : String(losses),
      silent ? "SILENT" : "",
    ])
  return [
    `${new Date(look.atMs).toISOString().slice(0, 19).replace("T", " ")}  ${total.toFixed(1)} events/s  ${minutes} min ${formatSparkline(perMinute)}`,
    "",
    formatTable(["writer", "events/s", "entries", "missing", "state"], writers, { color }),
    "",
    look.refused.length === 0
      ? `no denial, failure or error in ${minutes} minutes`
      : formatTable(entryHead, look.refused.map(entryCells), { color }),
  ].join("\n")
}
