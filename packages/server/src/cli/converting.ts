import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createEventId } from "@postern/log/event"
import {
  elementsOf,
  type ForeignEvent,
  type Format,
  formats,
  isUnreadable,
  recognise,
  writeEvent,
} from "../formats/index.ts"
import { gatherDocument, readRecords } from "./input-records.ts"
import type { CommandIo } from "./io.ts"

export interface Converted {
  readonly records: number
  readonly events: number
  readonly unreadable: number
  /** Name of the format that read them. */
  readonly format: string
  /** It was not named: the first records decided. */
  readonly isGuessed: boolean
}

/** So many records decide what they are. */
const looksMax = 10

/** Writes the events that standard input becomes to standard output, one a line. */
export async function convertRecords(
  io: CommandIo,
  named: Format | undefined,
  source: string,
): Promise<Converted> {
  const input = readRecords(io.stdin)
  const first: Buffer[] = []
  while (first.length < looksMax) {
    const next = await input.next()
    if (next.done) break
    first.push(next.value)
  }
  const records = await openRecords(first, input, named)
  const format = named ?? guess(first, records.sample)
  const printer = new EventPrinter(io, source)
  const decoder = format.open({ nowMs: () => io.now().getTime() })
  let count = 0
  for await (const record of records.all) {
    count += 1
    decoder.take(record, printer.give)
    await printer.drain()
  }
  decoder.end(printer.give)
  await printer.drain()
  const { events, unreadable } = printer
  const isGuessed = named === undefined
  return { records: count, events, unreadable, format: format.name, isGuessed }
}

interface Records {
  readonly all: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  /** Of a document: what it holds first. */
  readonly sample: readonly Uint8Array[]
}

/** Lines; or, where the first one begins a JSON value that goes on in the next, what the document as a whole holds. */
async function openRecords(
  first: readonly Buffer[],
  rest: AsyncGenerator<Buffer>,
  named: Format | undefined,
): Promise<Records> {
  const isLines = { all: chain(first, rest), sample: first }
  if (named?.of === "lines" || !beginsDocument(first[0])) return isLines
  const { lines, document } = await gatherDocument(first, rest)
  const elements = elementsOf(document)
  if (elements !== undefined) return { all: elements, sample: elements.slice(0, looksMax) }
  return isJson(document) ? { all: [document], sample: [document] } : { all: lines, sample: first }
}

async function* chain(
  first: readonly Buffer[],
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Uint8Array> {
  yield* first
  yield* rest
}

function beginsDocument(line: Buffer | undefined): boolean {
  const text = line?.toString("utf8").trimStart() ?? ""
  return text.startsWith("[") ? !/^\[\d+-\d+\] /.test(text) : text.startsWith("{") && !isJson(line)
}

function isJson(bytes: Buffer | undefined): boolean {
  try {
    JSON.parse(bytes?.toString("utf8") ?? "")
    return true
  } catch {
    return false // A syntax error, which is our answer.
  }
}

/** What most says: a format that knows its records; then any JSON; then any line. */
function guess(first: readonly Uint8Array[], sample: readonly Uint8Array[]): Format {
  const found = (sample.length > 0 ? sample : first).flatMap((record) => recognise(record) ?? [])
  const known = found.find(({ name }) => name !== "json") ?? found[0]
  return known ?? (formats.get("line") as Format)
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20

class EventPrinter {
  readonly #io: CommandIo
  readonly #source: string
  #isFull = false
  events = 0
  unreadable = 0

  constructor(io: CommandIo, source: string) {
    this.#io = io
    this.#source = source
  }

  readonly give = (event: ForeignEvent): void => {
    const now = this.#io.now()
    const id = createEventId(now, new Uint8Array(randomBytes(16)))
    const bytes = writeEvent(event, { id, time: now.toISOString(), source: this.#source })
    this.events += 1
    if (isUnreadable(event)) this.unreadable += 1
    this.#isFull = !this.#io.stdout.write(onOneLine(bytes))
  }

  async drain(): Promise<void> {
    if (!this.#isFull) return
    this.#isFull = false
    await once(this.#io.stdout, "drain")
  }
}

/** In JSON a line end can only stand between tokens, where a space means the same. */
function onOneLine(bytes: Uint8Array): Buffer {
  const line = Buffer.allocUnsafe(bytes.length + 1)
  line.set(bytes)
  for (const ending of [lineFeed, carriageReturn]) {
    for (
      let at = line.indexOf(ending);
      at >= 0 && at < bytes.length;
      at = line.indexOf(ending, at)
    ) {
      line[at] = space
    }
  }
  line[bytes.length] = lineFeed
  return line
}
