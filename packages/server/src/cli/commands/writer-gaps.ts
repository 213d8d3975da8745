import type { LogEntry, Reader } from "@postern/client"
import type { Command } from "commander"
import type { CommandIo } from "../io.ts"
import { LedgerStreams } from "../ledger-streams.ts"
import type { Loss, SenderClass } from "../loss.ts"
import {
  completeness,
  factsOf,
  type LedgerEntry,
  ledgerActions,
  makeLedger,
  type WriterLedger,
} from "../loss-ledger.ts"
import { jsonOption, profileOption } from "../options.ts"
import { openRememberingReader } from "../remembering-reader.ts"
import { formatTable } from "../table.ts"

interface Options {
  readonly profile: string
  readonly writer?: string
  readonly json?: true
}

/** Of entries about what is missing; a second each at most is written for a writer and a reason. */
const entriesMax = 1_000_000

export function registerWriterGaps(writer: Command, io: CommandIo): void {
  writer
    .command("gaps")
    .summary("what is missing, why, and how blind we are")
    .description("Lists every loss that the log knows of, by writer, and how much that is of all.")
    .addOption(profileOption())
    .option("--writer <id>", "only this one: its SPIFFE ID, or the last part of it")
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (options: Options) => {
      const reader = openRememberingReader(options.profile, io)
      try {
        const ledgers = (await readLedgers(reader, io.now())).filter(({ writer: id }) => {
          return (
            options.writer === undefined ||
            id.split("/").at(-1) === options.writer.split("/").at(-1)
          )
        })
        if (options.json) io.line(JSON.stringify({ writers: ledgers.map(inJson), completeness }))
        else print(ledgers, io)
      } finally {
        reader.close()
      }
    })
}

const examples = `
blind   of the events that are known to have existed, the share that is known to be missing

Examples:
  postern writer gaps --profile reader.yaml
  postern writer gaps --profile reader.yaml --writer billing --json`

async function readLedgers(reader: Reader, now: Date): Promise<WriterLedger[]> {
  const entries: LedgerEntry[] = []
  const streams = new LedgerStreams()
  const fields = { action: ledgerActions.join(",") }
  for await (const entry of reader.search(fields, { limit: entriesMax, order: "asc" })) {
    const { index, received, writer, event } = entry
    entries.push({ index, received, writer, event })
    streams.add(factsOf(entry))
  }
  const newest = new Map<number, number>()
  for (const id of new Set(streams.open().map(({ writer }) => writer))) {
    const [last] = await first(reader.search({ writer: id }, { limit: 1 }))
    if (last !== undefined) newest.set(last.stream, last.sequence + 1)
  }
  return makeLedger(entries, newest, now)
}

async function first(found: AsyncGenerator<LogEntry, void, undefined>): Promise<LogEntry[]> {
  for await (const entry of found) return [entry]
  return []
}

function inJson({ isAtLeast, blind, losses, ...rest }: WriterLedger) {
  const unknown = losses.map((loss) => ({
    ...loss,
    count: loss.count ?? null,
    end: loss.end ?? null,
  }))
  return { ...rest, blind: blind ?? null, atLeast: isAtLeast, losses: unknown }
}

function print(ledgers: readonly WriterLedger[], io: CommandIo): void {
  const color = { color: io.color }
  const head = ["writer", "blind", "missing", "of known", "way in"]
  io.line(formatTable(head, ledgers.map(summary), color))
  const losses = ledgers.flatMap((ledger) => ledger.losses)
  const columns = ["writer", "what", "start", "end", "count", "cause", "remedy"]
  io.line("")
  if (losses.length === 0) io.line("Nothing is known to be missing.")
  else io.line(formatTable(columns, losses.map(row), color))
  io.line("")
  io.line("What completeness means, by the way in:")
  const used = new Set(ledgers.flatMap(({ senders }) => senders))
  for (const sender of Object.keys(completeness) as SenderClass[]) {
    if (used.has(sender)) io.line(`  ${sender.padEnd(10)}  ${completeness[sender]}`)
  }
}

function summary({ writer, blind, isAtLeast, missing, known, senders }: WriterLedger): string[] {
  const share = blind === undefined ? "unknown" : `${isAtLeast ? ">= " : ""}${percent(blind)}`
  const numbered = senders.includes("postern")
  return [
    nameOf(writer),
    share,
    String(missing),
    numbered ? String(known) : "unknown",
    senders.join(","),
  ]
}

function percent(share: number): string {
  const text = (share * 100).toFixed(2)
  return share > 0 && text === "0.00" ? "< 0.01 %" : `${text} %`
}

function row({ writer, kind, start, end, count, cause, remedy }: Loss): string[] {
  const times = [start, end ?? "goes on"].map((time) => time.replace(/\.\d+Z$/, "Z"))
  return [
    nameOf(writer),
    kind,
    ...times,
    count === undefined ? "unknown" : String(count),
    cause,
    remedy,
  ]
}

function nameOf(writer: string): string {
  return writer.split("/").at(-1) ?? writer
}
