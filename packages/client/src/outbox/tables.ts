import { formatHex, PosternError, parseHex } from "@postern/log/base"
import { type OutboxDatabase, query, type Row } from "./database.ts"
import type { RefusedEvent } from "./refused-events.ts"
import {
  claimBatch,
  holdStream,
  releaseStream,
  selectBatches,
  settleBatches,
  waitForHints,
} from "./schema.ts"

/** A batch as it is sent: its bytes never change. */
export interface TableBatch {
  /** Events before it, counted since the outbox began. */
  readonly position: number
  readonly events: number
  /** As in a BATCH frame. */
  readonly region: Buffer
}

/** The stream that the outbox's batches belong to, as the database knows it. */
export interface TableStream {
  readonly id: string
  readonly start: number
  readonly previous: string | undefined
  /** Everything below has been answered for by the port. */
  readonly acked: number
  /** The chain digest there; undefined if nothing was acknowledged in this stream. */
  readonly digest: Uint8Array | undefined
}

/** As it was when it was taken hold of. */
export interface HeldStream extends TableStream {
  /** Behind the last batch. */
  readonly next: number
  /** How long ago something was acknowledged last, milliseconds. */
  readonly quietMs: number
}

/** What one batch holds at most: a fraction of a frame, so that little is in memory and little is sent again. */
const batchEventsMax = 1_000
const batchBytesMax = 262_144

/**
 * One relay's view of the outbox's tables; each method is one statement. But for hold() they do nothing for a relay that does not hold
 * the stream. Errors: OUTBOX_DATABASE.
 */
export class Tables {
  readonly #database: OutboxDatabase
  readonly #holder: string

  /** @param holder a name that no other relay has */
  constructor(database: OutboxDatabase, holder: string) {
    this.#database = database
    this.#holder = holder
  }

  /** Takes hold of the stream, or keeps it; undefined if another relay holds it. @param newStream its id if it has none yet */
  async hold(forMs: number, newStream: string): Promise<HeldStream | undefined> {
    const values = [this.#holder, `${forMs} milliseconds`, newStream]
    const [row] = await query(this.#database, holdStream, values)
    if (row === undefined) return undefined
    const digest = row.digest === null ? undefined : digestIn(row)
    return {
      id: textIn(row, "stream"),
      start: numberIn(row, "start"),
      previous: row.previous === null ? undefined : textIn(row, "previous"),
      next: numberIn(row, "next"),
      acked: numberIn(row, "acked"),
      digest,
      quietMs: numberIn(row, "quiet_ms"),
    }
  }

  /** Gives the stream free for whoever comes next. */
  async release(): Promise<void> {
    await query(this.#database, releaseStream, [this.#holder])
  }

  /** Those that the port has not answered for, in order. */
  async batches(): Promise<readonly TableBatch[]> {
    return (await query(this.#database, selectBatches)).map(batchOf)
  }

  /** Makes the oldest committed rows a batch; undefined if there are none. */
  async claim(): Promise<TableBatch | undefined> {
    const values = [this.#holder, String(batchEventsMax), String(batchBytesMax)]
    const [row] = await query(this.#database, claimBatch, values)
    return row && batchOf(row)
  }

  /** From here on who commits an event gives a hint, until the next claim that finds some. */
  async wait(): Promise<void> {
    await query(this.#database, waitForHints, [this.#holder])
  }

  /** Records what the port has answered for. False if another relay holds the stream: it will record the same. */
  async settle(stream: TableStream, refused: readonly RefusedEvent[]): Promise<boolean> {
    const aside = refused.map(({ code, hint, event }) => {
      return { code, hint, event: Buffer.from(event).toString("base64") }
    })
    const { id, start, previous = "", acked, digest } = stream
    const place = [String(acked), digest === undefined ? "" : formatHex(digest)]
    const values = [this.#holder, ...place, id, String(start), previous, JSON.stringify(aside)]
    return (await query(this.#database, settleBatches, values)).length === 1
  }
}

function batchOf(row: Row): TableBatch {
  const { region } = row
  if (!(region instanceof Uint8Array)) throw unreadable("region")
  const bytes = Buffer.from(region.buffer, region.byteOffset, region.length)
  return { position: numberIn(row, "position"), events: numberIn(row, "events"), region: bytes }
}

function textIn(row: Row, name: string): string {
  const value = row[name]
  if (typeof value !== "string") throw unreadable(name)
  return value
}

function numberIn(row: Row, name: string): number {
  const value = Number(textIn(row, name))
  if (!Number.isSafeInteger(value)) throw unreadable(name)
  return value
}

/** Bytes that are empty stand for a stream in which nothing was acknowledged, as null does. */
function digestIn(row: Row): Uint8Array | undefined {
  const digest = parseHex(textIn(row, "digest"))
  if (digest === undefined) throw unreadable("digest")
  return digest.length === 0 ? undefined : digest
}

function unreadable(name: string): PosternError {
  return new PosternError("OUTBOX_DATABASE", `${name} is not what was written there`)
}
