import type { Facts, Loss, SenderClass } from "./loss.ts"

/** What the port's entries say about one stream. */
export interface LedgerStream {
  readonly id: string
  readonly writer: string
  readonly adapter: SenderClass
  /** The writer numbers its events. */
  readonly isFramed: boolean
  readonly open: number
  readonly opened: string
  readonly previous: string | undefined
  /** Whether its writer can sign for it. */
  readonly canSign: boolean
  /** At least so many events were in it. */
  next: number
  isSigned: boolean
  /** Index and time of the last entry about it. */
  last: { readonly index: number; readonly received: string }
  /** How it ended, if it did. */
  closed: string | undefined
}

/** A stream that began so short a time ago needs no beat yet. */
const graceMs = 120_000

/** What is sent over HTTP, by whatever adapter, is complete in the same sense. */
function classOf(adapter: unknown): SenderClass {
  if (adapter === "kubernetes" || adapter === "syslog") return adapter
  return adapter === undefined || adapter === "postern" ? "postern" : "http"
}

/** The streams of a ledger, by the index that opened them. */
export class LedgerStreams {
  readonly #byOpen = new Map<number, LedgerStream>()

  add({ index, received, action, data, writer }: Facts): void {
    if (action === "postern.stream.opened") {
      this.#byOpen.set(index, {
        ...{ id: String(data.stream), writer, isFramed: data.framed === true, open: index },
        adapter: classOf(data.adapter),
        opened: received,
        previous: typeof data.previous === "string" ? data.previous : undefined,
        canSign: data.publicKey !== undefined,
        ...{ next: 0, isSigned: false, last: { index, received }, closed: undefined },
      })
      return
    }
    const stream = this.#about(data)
    if (stream === undefined) return
    stream.last = { index, received }
    if (action === "postern.stream.gap") {
      stream.next = Math.max(stream.next, Number(data.sequence) + Number(data.count))
    }
    if (action === "postern.refused") {
      const ranges = Array.isArray(data.sequences) ? (data.sequences as [number, number][]) : []
      for (const [, end] of ranges) stream.next = Math.max(stream.next, end)
    }
    if (action !== "postern.stream.beat" && action !== "postern.stream.closed") return
    stream.next = Math.max(stream.next, Number(data.next))
    stream.isSigned ||= typeof data.signature === "string"
    if (action === "postern.stream.closed") stream.closed = String(data.reason)
  }

  /** Refusals name the stream's id alone, the rest its opening entry. */
  #about(data: Facts["data"]): LedgerStream | undefined {
    if (typeof data.open === "number") return this.#byOpen.get(data.open)
    const streams = [...this.#byOpen.values()]
    return streams.findLast(({ id, writer }) => id === data.stream && writer === data.writer)
  }

  /** An entry of the stream was seen before this sequence. */
  seen(open: number, next: number): void {
    const stream = this.#byOpen.get(open)
    if (stream !== undefined) stream.next = Math.max(stream.next, next)
  }

  writers(): Iterable<string> {
    return new Set([...this.#byOpen.values()].map(({ writer }) => writer))
  }

  of(writer: string): LedgerStream[] {
    return [...this.#byOpen.values()].filter((stream) => stream.writer === writer)
  }

  /** Writers with a stream that goes on: how far it is, only an entry of it says. */
  open(): LedgerStream[] {
    return [...this.#byOpen.values()].filter(({ isFramed, closed }) => {
      return isFramed && closed === undefined
    })
  }

  /** Streams whose end nobody vouches for. */
  unfinished(now: Date): Loss[] {
    const losses: Loss[] = []
    for (const stream of this.#byOpen.values()) {
      const why = stream.isFramed ? this.#whyUnfinished(stream, now) : undefined
      if (why === undefined) continue
      losses.push({
        ...{ kind: "unfinished", writer: stream.writer, stream: stream.id, count: undefined },
        ...{ start: stream.last.received, end: undefined, index: stream.last.index },
        sequences: [[stream.next, stream.next]],
        cause: why.cause,
        remedy: why.remedy,
      })
    }
    return losses
  }

  #whyUnfinished(
    { closed, writer, id, open, last, opened, canSign, isSigned, next }: LedgerStream,
    now: Date,
  ): { cause: string; remedy: string } | undefined {
    const find =
      "look for its spool directory and start the writer with it: what it holds is sent then"
    if (closed === "writer") return undefined
    if (closed !== undefined) {
      return { cause: `its writer never ended it (${closed})`, remedy: find }
    }
    const later = this.of(writer).filter((other) => other.isFramed && other.open > open)
    if (later.some(({ previous }) => previous === id)) return undefined
    const fresh = later.find((other) => other.previous === undefined && other.open > last.index)
    if (fresh !== undefined) {
      const cause = `a new stream began at entry ${fresh.open} and goes on from none: the spool of this one may be lost`
      return { cause, remedy: find }
    }
    const isOld = now.getTime() - Date.parse(opened) > graceMs
    if (!canSign || isSigned || !isOld || next === 0) return undefined
    const cause = "it is open, and its writer has signed nothing of it"
    return { cause, remedy: "is the writer running? the SDK signs every 30 seconds while it sends" }
  }
}
