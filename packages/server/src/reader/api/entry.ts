import { decodeUtf8, isPosternError, PosternError } from "@postern/log/base"
import { type Changed, type Entry, formatTime, parseEntry } from "@postern/log/event"
import type { LogView } from "../../disk/index.ts"

/** An entry as the read API gives it (docs/reference/read-api.md). Everything in it but `writer` follows from `leaf`. */
export interface EntryJson {
  readonly index: number
  readonly received: string
  /** From the opening entry of the stream. */
  readonly writer: string
  /** Index of the opening entry. */
  readonly stream: number
  readonly sequence: number
  readonly changed?: Exclude<Changed, 0>
  readonly leaf: string
  readonly event: Readonly<Record<string, unknown>>
}

/** An entry that was read from the log, before anybody is shown it. */
export interface ReadEntry {
  readonly index: number
  readonly leaf: Uint8Array
  readonly entry: Entry
}

/** @throws PosternError LOG_DAMAGED if the leaf is none that a port writes */
export function readEntry(index: number, leaf: Uint8Array): ReadEntry {
  try {
    return { index, leaf, entry: parseEntry(leaf) }
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new PosternError("LOG_DAMAGED", `entry ${index}: ${error.message}`, { cause: error })
  }
}

export function formatEntry({ index, leaf, entry }: ReadEntry, writer: string): EntryJson {
  const { received, open, sequence, changed } = entry.stamp
  return {
    index,
    received: formatTime(received),
    writer,
    stream: open,
    sequence,
    ...(changed === 0 ? {} : { changed }),
    leaf: decodeUtf8(leaf) as string, // parseEntry has found both of its parts to be UTF-8.
    event: entry.event,
  }
}

/** Who writes in a stream: what its opening entry says. */
export interface Opening extends ReadEntry {
  readonly writer: string
}

export interface Openings {
  /** @throws PosternError LOG_DAMAGED if there is no such opening entry */
  of(entry: ReadEntry): Promise<Opening>
}

/** Opening entries, read from the log when first asked for; the `max` last used ones are kept. */
export function openOpenings(view: LogView, max: number): Openings {
  const kept = new Map<number, Promise<Opening>>()
  async function read(index: number): Promise<Opening> {
    const [leaf] = await view.leaves(index, index + 1)
    const opening = readEntry(index, leaf as Uint8Array)
    return { ...opening, writer: writerOf(opening) }
  }
  function of({ index, entry }: ReadEntry): Promise<Opening> {
    const { open } = entry.stamp
    // A stream is opened before anything stands in it; the port's own stream is opened by its first entry.
    if (open > index)
      throw new PosternError("LOG_DAMAGED", `entry ${index}: its stream opens later`)
    let opening = kept.get(open)
    if (opening === undefined) {
      opening = read(open)
      opening.catch(() => kept.delete(open))
    } else {
      kept.delete(open) // It goes to the end of the queue: least recently used first.
    }
    kept.set(open, opening)
    for (const oldest of kept.keys()) {
      if (kept.size <= max) break
      kept.delete(oldest)
    }
    return opening
  }
  return { of }
}

/** The port's own stream has no certificate behind it: its writer is the port itself, as its events' source says. */
export function writerOf({ index, entry }: ReadEntry): string {
  const { event, stamp } = entry
  const data = event.data as { readonly writer?: unknown } | undefined
  const writer = stamp.open === index ? event.source : data?.writer
  if (typeof writer === "string") return writer
  throw new PosternError("LOG_DAMAGED", `entry ${index} opens a stream and names no writer`)
}
