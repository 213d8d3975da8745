import { decodeUtf8, formatHex, PosternError, parseHex } from "@postern/log/base"
import { streamDigestStart } from "@postern/log/wire"
import { type BatchRow, batchKind, type ReadSlot, splitRecords } from "../../disk/index.ts"
import { advanceStream, type Stream, type StreamTable } from "./streams.ts"

/** Streams as a segment's `.start` keeps them. */
export interface StreamState {
  readonly id: string
  readonly writer: string
  readonly open: number
  readonly next: number
  readonly digest: string
  readonly lastUsed: number
  /** Missing in what older versions wrote. */
  readonly certificate?: string | undefined
}

/** What is durable of each framed stream: the state in which the next segment begins. */
export function saveStreams(table: StreamTable): StreamState[] {
  const saved: StreamState[] = []
  for (const stream of table.values()) {
    const { id, writer, open, framed, durable, lastUsed, certificate } = stream
    if (!framed || durable === undefined) continue
    saved.push({
      id,
      writer,
      open,
      next: durable.next,
      digest: formatHex(durable.digest),
      lastUsed,
      certificate,
    })
  }
  return saved
}

/** @throws PosternError LOG_DAMAGED for a state that saveStreams would not have written */
export function restoreStreams(state: unknown, table: StreamTable): void {
  if (state === undefined) return
  if (!Array.isArray(state))
    throw new PosternError("LOG_DAMAGED", "the streams of the segment's start")
  for (const item of state as StreamState[]) {
    const digest = parseHex(String(item.digest))
    if (digest?.length !== 32)
      throw new PosternError("LOG_DAMAGED", "a stream of the segment's start")
    const { id, writer, open, next, lastUsed, certificate } = item
    table.add({
      id,
      writer,
      open,
      framed: true,
      next,
      digest,
      durable: { next, digest },
      recent: [],
      lastUsed,
      certificate,
    })
  }
}

/** Brings the streams up to a slot that recovery found. */
export function replaySlot(slot: ReadSlot, table: StreamTable): void {
  for (const row of slot.rows) {
    if (row.kind === batchKind.port) replayOwnEntries(slot, row, table)
    const stream = table.byOpen(row.open)
    if (stream?.framed !== true) continue
    const at = Math.floor(row.received / 1000)
    if (row.kind === batchKind.framed) advanceStream(stream, row, at)
    if (row.kind === batchKind.gap) advanceOverGap(stream, row)
    stream.durable = { next: stream.next, digest: stream.digest }
  }
}

export function advanceOverGap(
  stream: Stream,
  gap: Pick<BatchRow, "sequence" | "events" | "digest">,
): void {
  stream.next = gap.sequence + gap.events
  stream.digest = gap.digest
}

/** Opened and closed streams stand in the log itself, as entries of the port. */
function replayOwnEntries(slot: ReadSlot, row: BatchRow, table: StreamTable): void {
  const leaves = splitRecords(slot.records) ?? []
  for (let i = 0; i < row.accepted; i++) {
    const index = row.first + i
    const text = decodeUtf8(leaves[index - slot.header.first] ?? new Uint8Array(0)) ?? ""
    const event = JSON.parse(text.slice(text.indexOf("\n") + 1)) as OwnEvent
    if (event.action === "postern.stream.opened" && event.data.framed === true) {
      const { stream: id, writer, certificate } = event.data
      const start = { next: 0, digest: streamDigestStart(id) }
      const lastUsed = Math.floor(row.received / 1000)
      table.add({
        id,
        writer,
        open: index,
        framed: true,
        ...start,
        durable: start,
        recent: [],
        lastUsed,
        certificate,
      })
    }
    if (event.action === "postern.stream.continued") {
      const stream = table.byOpen(event.data.open)
      if (stream !== undefined) stream.certificate = event.data.certificate
    }
    if (event.action === "postern.stream.closed") {
      const stream = table.byOpen(event.data.open)
      if (stream !== undefined) table.remove(stream)
    }
  }
}

/** Written by this port, so its shape is known. */
interface OwnEvent {
  readonly action: string
  readonly data: {
    stream: string
    writer: string
    certificate: string
    framed: boolean
    open: number
  }
}
