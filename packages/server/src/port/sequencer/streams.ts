import { type ErrorCode, equalBytes, limits } from "@postern/log/base"

/** A batch that a stream remembers, so that a resend gets its original acknowledgement. */
export interface RememberedBatch {
  readonly sequence: number
  readonly events: number
  readonly accepted: number
  readonly first: number
  readonly received: number
  readonly changed: number
  readonly seed: Uint8Array
  /** Chain digest after it. */
  readonly digest: Uint8Array
  /** What was refused of it, while this life of the port remembers, and if it was little. */
  readonly refused?: readonly { readonly code: ErrorCode; readonly positions: number[] }[]
}

/**
 * One writer's gapless sequence. `next` and `digest` run ahead of the disk; the durable pair is what a new segment
 * remembers and what a reconnecting writer is told.
 */
export interface Stream {
  /** 32 hex digits; for server-made streams the adapter's name. */
  readonly id: string
  readonly writer: string
  /** Index of the opening entry. */
  readonly open: number
  /** Framed: chained by its writer. Otherwise made by the port for one adapter of a writer. */
  readonly framed: boolean
  next: number
  digest: Uint8Array
  durable: { next: number; digest: Uint8Array } | undefined
  readonly recent: RememberedBatch[]
  /** Milliseconds, for expiry. */
  lastUsed: number
  /** SHA-256 of the certificate that the log names last as the stream's; undefined if nobody remembers. */
  certificate?: string | undefined
  /** When its last beat was entered, in milliseconds. */
  beatMs?: number | undefined
}

/** Remembered per stream, at least: what a writer can have in flight within its credit in frames of 4 KiB. */
const recentMin = 256
const recentMax = recentMin + 64
/** Positions of a batch's refused events that are remembered: a writer that is refused more has no need of its receipts. */
const refusedMax = 64

export type Judgement =
  | { readonly kind: "next" }
  | { readonly kind: "repeat"; readonly batch: RememberedBatch }
  /** Kept, but the acknowledgement is no longer at hand. */
  | { readonly kind: "old" }
  | { readonly kind: "hole"; readonly expected: number }
  | { readonly kind: "equivocation" }

/** What a batch of a framed stream is, from its place and its chain digest. */
export function judgeBatch(
  stream: Stream,
  batch: { sequence: number; events: number; previous: Uint8Array; digest: Uint8Array },
): Judgement {
  if (batch.sequence > stream.next) return { kind: "hole", expected: stream.next }
  if (batch.sequence === stream.next) {
    const chained = equalBytes(batch.previous, stream.digest)
    return chained ? { kind: "next" } : { kind: "equivocation" }
  }
  const known = stream.recent.findLast((r) => r.sequence <= batch.sequence)
  // Nothing beyond `next` has ever been seen, so what goes beyond it is not what was sent before.
  const seen = batch.sequence + batch.events <= stream.next
  if (known === undefined) return { kind: seen ? "old" : "equivocation" }
  const same = known.sequence === batch.sequence && equalBytes(known.digest, batch.digest)
  return same ? { kind: "repeat", batch: known } : { kind: "equivocation" }
}

/** Moves a stream on by a batch that was placed. */
export function advanceStream(stream: Stream, batch: RememberedBatch, now: number): void {
  stream.next = batch.sequence + batch.events
  stream.digest = batch.digest
  stream.lastUsed = now
  if (!stream.framed) return
  const isShort = batch.refused === undefined || countOf(batch.refused) <= refusedMax
  stream.recent.push(isShort ? batch : { ...batch, refused: [] })
  if (stream.recent.length > recentMax) stream.recent.splice(0, recentMax - recentMin)
}

function countOf(refused: NonNullable<RememberedBatch["refused"]>): number {
  return refused.reduce((sum, { positions }) => sum + positions.length, 0)
}

/** All open streams. Owner: the port's driver. */
export class StreamTable {
  readonly #byOpen = new Map<number, Stream>()
  readonly #byKey = new Map<string, Stream>()

  find(writer: string, id: string): Stream | undefined {
    return this.#byKey.get(`${writer} ${id}`)
  }

  /** The stream with this id, whoever's it is. */
  byId(id: string): Stream | undefined {
    for (const stream of this.#byOpen.values()) if (stream.id === id) return stream
    return undefined
  }

  byOpen(open: number): Stream | undefined {
    return this.#byOpen.get(open)
  }

  add(stream: Stream): void {
    this.#byOpen.set(stream.open, stream)
    this.#byKey.set(`${stream.writer} ${stream.id}`, stream)
  }

  remove(stream: Stream): void {
    this.#byOpen.delete(stream.open)
    this.#byKey.delete(`${stream.writer} ${stream.id}`)
  }

  mayOpen(writer: string): boolean {
    let count = 0
    for (const stream of this.#byOpen.values()) if (stream.writer === writer) count += 1
    return count < limits.streamsPerWriterMax
  }

  values(): IterableIterator<Stream> {
    return this.#byOpen.values()
  }

  get size(): number {
    return this.#byOpen.size
  }
}
