import { parseEntry } from "@postern/log/event"
import {
  type BatchRow,
  batchKind,
  type KeptEntry,
  listSegments,
  type ReadSlot,
  readPruned,
  segmentPath,
  splitRecords,
  walkSlots,
} from "../disk/index.ts"

/** Of a stream that is open: the entry that opened it, and the one that last said which certificate signs for it. */
interface OpenStream {
  readonly isFramed: boolean
  readonly opening: KeptEntry
  continued: KeptEntry | undefined
}

/**
 * The entries below `to` without which those behind it could not be read (docs/spec/retention.md): entry 0, and what opened the
 * streams that are open there. Reads the segments that go, once. @param to where a segment begins; above the minimum
 */
export async function keptBelow(directory: string, to: number): Promise<KeptEntry[]> {
  const before = await readPruned(directory)
  const openings = new OpenStreams()
  for (const entry of before?.kept ?? []) openings.takeKept(entry)
  for (const first of await listSegments(directory)) {
    if (first >= to) break
    if (first < (before?.minimum ?? 0)) continue
    for await (const slot of walkSlots(segmentPath(directory, first, "seg"))) {
      if (slot.header.first >= to) break
      openings.take(slot)
    }
  }
  return openings.kept()
}

class OpenStreams {
  readonly #streams = new Map<number, OpenStream>()
  #first: KeptEntry | undefined
  #own: KeptEntry | undefined

  take(slot: ReadSlot): void {
    const rows = slot.rows.filter((row) => row.kind === batchKind.port && row.accepted > 0)
    if (rows.length === 0) return
    const leaves = splitRecords(slot.records) ?? []
    for (const row of rows) this.#takeRow(row, slot.header.first, leaves)
  }

  #takeRow(row: BatchRow, slotFirst: number, leaves: readonly Uint8Array[]): void {
    for (let i = 0; i < row.accepted; i++) {
      const index = row.first + i
      const leaf = leaves[index - slotFirst]
      if (leaf !== undefined) this.#takeOwn({ index, leaf: leaf.slice() }, row.open === index)
    }
  }

  /** What a run before this one kept, in order: of the port's own stream it is the newest. */
  takeKept(entry: KeptEntry): void {
    const { event, stamp } = parseEntry(entry.leaf)
    const isOpening = event.action === "postern.stream.opened"
    this.#takeOwn(entry, !isOpening && stamp.open === entry.index)
  }

  /** @param begins whether a life of the port begins with it */
  #takeOwn(entry: KeptEntry, begins: boolean): void {
    if (entry.index === 0) this.#first = entry
    if (begins) {
      this.#own = entry
      // Streams that the port makes for senders end with its life.
      for (const [open, { isFramed }] of this.#streams) if (!isFramed) this.#streams.delete(open)
    }
    const { action, data } = parseEntry(entry.leaf).event
    const { open, framed } = Object(data) as Readonly<Record<string, unknown>>
    if (action === "postern.stream.opened") {
      const stream = { isFramed: framed === true, opening: entry, continued: undefined }
      this.#streams.set(entry.index, stream)
    } else if (action === "postern.stream.closed") this.#streams.delete(Number(open))
    else if (action === "postern.stream.continued") {
      const stream = this.#streams.get(Number(open))
      if (stream !== undefined) stream.continued = entry
    }
  }

  kept(): KeptEntry[] {
    const all = new Map<number, KeptEntry>()
    const streams = [...this.#streams.values()]
    for (const entry of [
      ...[this.#first, this.#own],
      ...streams.flatMap(({ opening, continued }) => [opening, continued]),
    ]) {
      if (entry !== undefined) all.set(entry.index, entry)
    }
    return [...all.values()].sort((a, b) => a.index - b.index)
  }
}
