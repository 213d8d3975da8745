import { PosternError } from "@postern/log/base"
import type { BatchLine } from "@postern/log/evidence"
import { type BatchRow, batchKind, type ReadSlot, splitRecords } from "../disk/index.ts"
import type { BatchSlots } from "./batch-slots.ts"
import { entryOf, stampOf } from "./leaf-reading.ts"

/** A stream as far as a tree of some size holds it. */
export interface FoundStream {
  /** Its leaves, and the port's entries about what is missing and what the writer signed; ascending. */
  readonly indexes: readonly number[]
  readonly batches: readonly BatchLine[]
  /** Every sequence below it is a leaf, a gap or refused. */
  readonly next: number
  /** Sequence after the last batch; what lies between the two is not recorded, or not yet. */
  readonly last: number
}

/** The index of the newest entry in `[minimum, size)` that opened a stream of this id. @throws PosternError NOT_FOUND */
export async function findOpening(
  slots: BatchSlots,
  id: string,
  { minimum, size }: { readonly minimum: number; readonly size: number },
): Promise<number> {
  let found: number | undefined
  for await (const slot of slots.from(minimum, size)) {
    for (const { index, leaf } of portLeaves(slot, size)) {
      const { action, data } = readOwn(leaf, index)
      if (action === "postern.stream.opened" && data.stream === id) found = index
    }
  }
  if (found !== undefined) return found
  throw new PosternError("NOT_FOUND", "no stream of this id was opened")
}

/**
 * Everything about the stream that entry `open` opened, in the tree of `size`. Looks through the log from there on,
 * until the stream is closed and nothing of it is missing.
 * @throws PosternError NOT_FOUND if the entry opens no stream of a writer · ENTRY_PRUNED if its beginning is not there any more
 */
export async function findStream(
  slots: BatchSlots,
  open: number,
  size: number,
  most: number,
): Promise<FoundStream> {
  const draft = new StreamDraft(open, size)
  for await (const slot of slots.from(open, size)) {
    draft.take(slot)
    if (draft.indexes.length > most) throw tooMany(most)
    if (draft.isWhole) break
  }
  return draft.finish()
}

export function tooMany(most: number): PosternError {
  return new PosternError("REQUEST_INVALID", `over ${most} entries: ask for less at a time`)
}

class StreamDraft {
  readonly indexes: number[] = []
  readonly #open: number
  readonly #size: number
  readonly #batches: BatchLine[] = []
  /** Sequences `[from, to)` that are accounted for. */
  readonly #runs: [number, number][] = []
  #opening: Readonly<Record<string, unknown>> | undefined
  #last = 0
  #closed = false

  constructor(open: number, size: number) {
    this.#open = open
    this.#size = size
  }

  take(slot: ReadSlot): void {
    const leaves = leavesOf(slot)
    for (const row of slot.rows) {
      if (row.kind === batchKind.port) this.#takeOwn(row, slot, leaves)
      else if (row.open === this.#open && row.first + row.accepted <= this.#size) {
        this.#takeBatch(row, slot, leaves)
      }
    }
  }

  #takeBatch(row: BatchRow, slot: ReadSlot, leaves: readonly Uint8Array[]): void {
    const { sequence: first, events, digest, accepted, kind } = row
    this.#last = Math.max(this.#last, first + events)
    if (kind !== batchKind.serverMade && events > 0) this.#batches.push({ first, events, digest })
    for (let i = 0; i < accepted; i++) this.indexes.push(row.first + i)
    if (accepted === events) {
      this.#cover(first, first + events)
      return
    }
    for (let i = 0; i < accepted; i++) {
      const index = row.first + i
      const leaf = leaves[index - slot.header.first] as Uint8Array
      const { sequence } = stampOf({ index, leaf })
      this.#cover(sequence, sequence + 1)
    }
  }

  #takeOwn(row: BatchRow, slot: ReadSlot, leaves: readonly Uint8Array[]): void {
    for (let index = row.first; index < row.first + row.accepted; index++) {
      if (index < this.#open || index >= this.#size) continue
      const { action, data } = readOwn(leaves[index - slot.header.first] as Uint8Array, index)
      if (index === this.#open) {
        if (action !== "postern.stream.opened") break
        this.#opening = data
      } else if (this.#isAbout(action, data)) this.indexes.push(index)
    }
  }

  #isAbout(action: unknown, data: Readonly<Record<string, unknown>>): boolean {
    const { sequence, count, sequences } = data
    switch (action) {
      case "postern.stream.beat":
      case "postern.stream.continued":
        return data.open === this.#open
      case "postern.stream.closed":
        this.#closed ||= data.open === this.#open
        return data.open === this.#open
      case "postern.stream.gap":
        if (data.open !== this.#open) return false
        this.#cover(Number(sequence), Number(sequence) + Number(count))
        return true
      case "postern.refused": {
        const own = data.stream === this.#opening?.stream && data.writer === this.#opening?.writer
        if (!own || !Array.isArray(sequences) || sequences.length === 0) return false
        for (const [from, to] of sequences as [number, number][]) this.#cover(from, to)
        return true
      }
      default:
        return false
    }
  }

  #cover(from: number, to: number): void {
    const last = this.#runs.at(-1)
    if (last?.[1] === from) last[1] = to
    else this.#runs.push([from, to])
  }

  get #covered(): number {
    let covered = 0
    for (const [from, to] of this.#runs.sort(([a], [b]) => a - b)) {
      if (from > covered) break
      covered = Math.max(covered, to)
    }
    return covered
  }

  /** Closed, and nothing is missing: the log need not be read any further. */
  get isWhole(): boolean {
    return this.#closed && this.#covered >= this.#last
  }

  finish(): FoundStream {
    if (this.#opening === undefined) {
      throw new PosternError("NOT_FOUND", `entry ${this.#open} does not open a stream`)
    }
    const indexes = this.indexes.sort((a, b) => a - b)
    return { indexes, batches: this.#batches, next: this.#covered, last: this.#last }
  }
}

function* portLeaves(slot: ReadSlot, size: number) {
  const leaves = leavesOf(slot)
  for (const row of slot.rows) {
    if (row.kind !== batchKind.port) continue
    for (let index = row.first; index < Math.min(size, row.first + row.accepted); index++) {
      yield { index, leaf: leaves[index - slot.header.first] as Uint8Array }
    }
  }
}

function leavesOf({ records, header }: ReadSlot): Uint8Array[] {
  const leaves = splitRecords(records)
  if (leaves?.length === header.entries) return leaves
  throw new PosternError("LOG_DAMAGED", `slot ${header.slot} has not ${header.entries} entries`)
}

/** An entry of the port's own: this process reads what the port wrote, so a wrong one is damage. */
function readOwn(leaf: Uint8Array, index: number) {
  const { action, data } = entryOf({ index, leaf }).event
  const isObject = typeof data === "object" && data !== null
  return { action, data: (isObject ? data : {}) as Readonly<Record<string, unknown>> }
}
