import { equalBytes, formatHex, parseHex } from "@postern/log/base"
import { parseEntry, splitLeaf } from "@postern/log/event"
import { streamDigestNext, streamDigestStart } from "@postern/log/wire"
import { type BatchRow, batchKind, type KeptEntry, type SegmentStart } from "../../disk/index.ts"
import type { RowRecords } from "./batch-check.ts"
import type { DirectoryDraft } from "./checks.ts"
import { type OwnEntry, readOwnEntry } from "./own-entry.ts"

interface Stream {
  /** Chained by its writer; undefined if its opening entry could not be read. */
  readonly framed: boolean | undefined
  /** Undefined = not known, behind damage. */
  next: number | undefined
  digest: Uint8Array | undefined
}

interface OwnStream {
  readonly open: number
  /** Undefined = not known, behind what was pruned. */
  next: number | undefined
}

/** Who draws conclusions from the port's own entries, besides. */
export interface OwnEntryListener {
  started(entry: OwnEntry & { kind: "started" }, index: number): void
  key(leaf: Uint8Array, index: number): void
  pruned(entry: OwnEntry & { kind: "pruned" }): void
}

/**
 * Every stream from its opening entry to its last row: sequences without a hole, except for gaps that are entries
 * and refusals that the row counts.
 */
export class StreamCheck {
  readonly #draft: DirectoryDraft
  readonly #full: boolean
  readonly #told: OwnEntryListener
  readonly #streams = new Map<number, Stream>()
  #own: OwnStream | undefined
  /** Rows of gaps whose entry has not been seen, by what the entry must say. */
  readonly #gapRows = new Map<string, { readonly where: string; readonly slot: number }>()
  readonly #gapEntries = new Set<string>()
  /** Something could not be read: streams that are not known need not be wrong. */
  #damaged = false

  /** @param full chain digests are recomputed where the whole batch was accepted */
  constructor(draft: DirectoryDraft, full: boolean, told: OwnEntryListener) {
    this.#draft = draft
    this.#full = full
    this.#told = told
    for (const name of ["starts", "refusedEvents", "gaps", "lostEvents"]) {
      draft.fact(name, 0)
    }
  }

  hole(): void {
    this.#damaged = true
    this.#own = undefined
    for (const stream of this.#streams.values()) {
      stream.next = undefined
      stream.digest = undefined
    }
  }

  /** What was open where the log begins now: as the kept entries and the first segment's `.start` say. */
  beginPruned(kept: readonly KeptEntry[], { state }: SegmentStart): void {
    for (const { index, leaf } of kept) {
      const entry = readOwnEntry(leaf)
      if (entry?.kind === "opened") {
        this.#streams.set(index, { framed: entry.framed, next: undefined, digest: undefined })
      } else if (parseEntry(leaf).stamp.open === index) {
        if (entry?.kind === "started") this.#told.started(entry, index)
        this.#own = { open: index, next: undefined }
      }
    }
    for (const item of Array.isArray(state) ? state : []) {
      const { open, next, digest } = Object(item) as Readonly<Record<string, unknown>>
      const stream = this.#streams.get(Number(open))
      if (stream === undefined) continue
      stream.next = Number(next)
      stream.digest = parseHex(String(digest))
    }
  }

  /** The streams that a segment's `.start` remembers are ours, at the same place. */
  begin({ state }: SegmentStart, where: string): void {
    if (state === undefined || this.#damaged) return
    for (const item of Array.isArray(state) ? state : [undefined]) {
      const { open, next, digest } = (item ?? {}) as Record<string, unknown>
      const stream = this.#streams.get(Number(open))
      const same =
        stream?.framed === true &&
        stream.next === next &&
        (stream.digest === undefined || formatHex(stream.digest) === digest)
      if (same) continue
      const what = `it remembers a stream (opened by entry ${String(open)}) that was not so`
      this.#draft.fail("streams", "stream-state", where, what)
    }
  }

  row(records: RowRecords, slot: number, where: string): void {
    const { row } = records
    if (row.kind === batchKind.port) this.#ownRow(records, where)
    else this.#foreignRow(records, slot, where)
  }

  #ownRow({ row, leaves }: RowRecords, where: string): void {
    // The first entry of a life of the port opens its stream and names itself.
    if (row.open === row.first) {
      this.#own = { open: row.open, next: 0 }
      this.#draft.count("streams")
      this.#draft.addFact("starts", 1)
      for (const [open, { framed }] of this.#streams)
        if (framed === false) this.#streams.delete(open)
    }
    if (this.#own === undefined && this.#damaged) this.#own = { open: row.open, next: row.sequence }
    if (this.#own?.open !== row.open || (this.#own.next ?? row.sequence) !== row.sequence) {
      const what = `the port's own stream (opened by entry ${row.open}) does not go on so`
      this.#draft.fail("streams", "own-stream", where, what)
      this.#own = { open: row.open, next: row.sequence }
    }
    this.#own.next = row.sequence + row.events
    for (const [i, leaf] of leaves.entries()) this.#ownEntry(leaf, row.first + i)
  }

  #ownEntry(leaf: Uint8Array, index: number): void {
    const where = `entry ${index}`
    const entry = readOwnEntry(leaf)
    switch (entry?.kind) {
      case undefined:
        this.#draft.fail("streams", "own-entry", where, "the port writes no such entry")
        return
      case "started":
        this.#told.started(entry, index)
        return
      case "key":
        this.#told.key(leaf, index)
        return
      case "pruned":
        this.#told.pruned(entry)
        return
      case "opened": {
        const digest = entry.framed ? streamDigestStart(entry.stream) : undefined
        this.#streams.set(index, { framed: entry.framed, next: 0, digest })
        this.#draft.count("streams")
        return
      }
      case "closed":
        this.#close(entry, where)
        return
      case "gap":
        this.#draft.addFact("gaps", 1)
        this.#draft.addFact("lostEvents", entry.count)
        if (!this.#gapRows.delete(gapKey(entry))) this.#gapEntries.add(gapKey(entry))
        return
      case "other":
    }
  }

  #close({ open, next }: OwnEntry & { kind: "closed" }, where: string): void {
    const stream = this.#streams.get(open)
    if (stream === undefined && this.#damaged) return
    if (stream === undefined) {
      const what = `it closes a stream that entry ${open} did not open`
      this.#draft.fail("streams", "stream-unknown", where, what)
    } else if (stream.next !== undefined && stream.next !== next) {
      const what = `it closes a stream at sequence ${next}, the next one was ${stream.next}`
      this.#draft.fail("streams", "stream-hole", where, what)
    }
    this.#streams.delete(open)
  }

  #foreignRow(records: RowRecords, slot: number, where: string): void {
    const { row } = records
    const stream = this.#streamOf(row, where)
    if (stream === undefined) return
    if (stream.framed !== undefined && stream.framed !== (row.kind !== batchKind.serverMade)) {
      const what = `a batch of kind ${row.kind} in a stream that is not of that kind`
      this.#draft.fail("streams", "stream-kind", where, what)
    }
    if (stream.next !== undefined && row.sequence !== stream.next) {
      const hole = row.sequence > stream.next ? "stream-hole" : "stream-repeat"
      const what = `the stream of entry ${row.open} goes on at ${row.sequence}, not ${stream.next}`
      this.#draft.fail("streams", hole, where, what)
    }
    if (row.kind === batchKind.gap) this.#gapRow(row, slot, where)
    else this.#draft.addFact("refusedEvents", row.events - row.accepted)
    this.#checkDigest(stream, records, where)
    stream.next = row.sequence + row.events
    // Copied: the row is a view of what is read next.
    stream.digest = stream.framed === false ? undefined : new Uint8Array(row.digest)
  }

  #streamOf(row: BatchRow, where: string): Stream | undefined {
    const known = this.#streams.get(row.open)
    if (known !== undefined) return known
    if (!this.#damaged) {
      const what = `entry ${row.open} has not opened a stream, or it was closed`
      this.#draft.fail("streams", "stream-unknown", where, what)
      return undefined
    }
    const stream: Stream = { framed: undefined, next: undefined, digest: undefined }
    this.#streams.set(row.open, stream)
    return stream
  }

  #gapRow({ open, sequence, events }: BatchRow, slot: number, where: string): void {
    const key = gapKey({ open, sequence, count: events })
    if (!this.#gapEntries.delete(key)) this.#gapRows.set(key, { where, slot })
  }

  /** Only where nothing was refused, and nothing changed by the policy: what was sent is not kept then. */
  #checkDigest(stream: Stream, records: RowRecords, where: string): void {
    const { row, leaves, stamped, altered } = records
    if (
      !this.#full ||
      !stamped ||
      altered ||
      row.kind !== batchKind.framed ||
      stream.digest === undefined
    )
      return
    if (row.events !== row.accepted || row.events === 0) return
    const digest = streamDigestNext(stream.digest, row.sequence, row.events, regionOf(leaves))
    if (equalBytes(digest, row.digest)) return
    const what = "the chain digest is not that of the batch's events"
    this.#draft.fail("streams", "stream-digest", where, what)
  }

  /** @param last number of the last slot that was read */
  finish(last: number): void {
    for (const { where, slot } of this.#gapRows.values()) {
      if (this.#damaged) continue
      // The entry may find its place in the slot after.
      if (slot >= last) this.#draft.cannot("streams", "the entry of the last gap may still come")
      else this.#draft.fail("streams", "gap-unrecorded", where, "a gap that no entry tells of")
    }
    if (this.#damaged) return
    for (const key of this.#gapEntries) {
      const what = `a gap (${key}) that is an entry, but in no batch table`
      this.#draft.fail("streams", "gap-unexplained", "streams", what)
    }
  }
}

function gapKey(gap: { open: number; sequence: number; count: number }): string {
  return `stream ${gap.open}, sequence ${gap.sequence}, ${gap.count} events`
}

/** The batch's event region, as its writer sent it. */
function regionOf(leaves: readonly Uint8Array[]): Uint8Array {
  const events = leaves.map((leaf) => splitLeaf(leaf).event)
  const region = Buffer.allocUnsafe(events.reduce((sum, event) => sum + 4 + event.length, 0))
  let at = 0
  for (const event of events) {
    region.writeUInt32BE(event.length, at)
    region.set(event, at + 4)
    at += 4 + event.length
  }
  return region
}
