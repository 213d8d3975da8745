import { assert, sha256 } from "@postern/log/base"
import { openRange } from "@postern/log/tlog"
import {
  alignSlot,
  type BatchRow,
  batchRowBytes,
  completedNodes,
  encodeBatchRow,
  encodeSlotHeader,
  type SlotPlan,
  slotBytesMax,
  slotEntriesMax,
  slotHeaderBytes,
} from "../../disk/index.ts"
import type { PortMemory, SlotMemory } from "./memory.ts"

/** Records of a slot; the rest of slotBytesMax is for its tail. A batch of the largest kind fits an empty slot however much the policy makes it grow. */
const recordsBytesMax = 5 * 1024 * 1024
const batchesMax = 8_000
const receiptBytesMax = 1_024
/** Bytes that a record has beside its event: length, stamp, LF. */
export const recordOverheadBytes = 99
const eagerHashes = 16
const tileLevels = 7

/** A batch in a slot. `owner` is told once the slot is durable, and forgotten: streams remember batches for longer. */
export interface PlacedBatch<Owner> extends BatchRow {
  owner: Owner
}

export interface BatchToPlace<Owner> {
  /** Rows in the core's memory, verdicts set; those with verdict 0 become entries. */
  readonly count: number
  readonly open: number
  readonly sequence: number
  readonly events: number
  readonly kind: number
  readonly changed: number
  readonly received: number
  readonly seed: Uint8Array
  readonly digest: Uint8Array
  readonly owner: Owner
}

/** A slot that is closed: a plan for the disk, and what acknowledgements need. Valid until the next but one `seal`. */
export interface SealedSlot<Owner> extends SlotPlan {
  readonly batches: readonly PlacedBatch<Owner>[]
  /** Range root of this slot's entries; undefined if it has none. */
  readonly rangeRoot: Uint8Array | undefined
  rangePath(from: number, count: number): Uint8Array[]
}

/** Where the log ends, as recovery found it. */
export interface LogEnd {
  readonly slot: number
  readonly size: number
  readonly previous: Uint8Array
  readonly frontier: Uint8Array
}

/**
 * Gives entries their index and groups them into slots. Plans only: no I/O, no clock. One slot is open; a sealed one
 * may be on its way to disk meanwhile, never two.
 */
export class Sequencer<Owner> {
  readonly #memory: PortMemory
  #open: SlotMemory
  #other: SlotMemory
  #generation = 1
  #slot: number
  /** Leaves in the tree; the open slot's entries follow. */
  #size: number
  #previous: Uint8Array
  #recordsEnd: number
  #entries = 0
  #hashed = 0
  #batches: PlacedBatch<Owner>[] = []

  constructor(memory: PortMemory, end: LogEnd) {
    this.#memory = memory
    this.#open = memory.slots[0]
    this.#other = memory.slots[1]
    this.#slot = end.slot
    this.#size = end.size
    this.#previous = end.previous
    this.#recordsEnd = this.#open.bytes + slotHeaderBytes
    memory.core.memory.set(end.frontier, memory.frontier)
  }

  /** Index that the next entry gets. */
  get next(): number {
    return this.#size + this.#entries
  }

  /** Batches waiting in the open slot. */
  get waiting(): number {
    return this.#batches.length
  }

  /** Whether a batch of so many events and event bytes goes into the open slot. */
  fits(events: number, eventBytes: number): boolean {
    const records = this.#recordsEnd - this.#open.bytes - slotHeaderBytes
    return (
      this.#entries + events <= slotEntriesMax &&
      this.#batches.length < batchesMax &&
      records + eventBytes + events * recordOverheadBytes <= recordsBytesMax
    )
  }

  /** Places a batch that fits. Rows that turn out too large get a verdict and no entry. */
  place(batch: BatchToPlace<Owner>): PlacedBatch<Owner> {
    const { core, rows, scratch } = this.#memory
    core.memory.set(batch.seed, scratch)
    const leaves = this.#open.leaves + this.#entries * 8
    const before = this.#recordsEnd
    this.#recordsEnd = core.stamp(
      rows,
      batch.count,
      before,
      leaves,
      batch.received,
      batch.open,
      batch.sequence,
      batch.changed,
      scratch,
    )
    const accepted = this.#acceptedRows(batch.count)
    const { open, sequence, events, kind, changed, received, seed, digest, owner } = batch
    const first = this.next
    const placed = {
      open,
      sequence,
      events,
      accepted,
      first,
      received,
      changed,
      kind,
      seed,
      digest,
      owner,
    }
    this.#entries += accepted
    this.#batches.push(placed)
    if (this.#entries - this.#hashed >= eagerHashes) this.#hash()
    return placed
  }

  #acceptedRows(count: number): number {
    const { core, rows } = this.#memory
    const words = new Uint32Array(core.memory.buffer, core.memory.byteOffset + rows, count * 16)
    let accepted = 0
    for (let row = 0; row < count; row++) if (words[row * 16 + 2] === 0) accepted += 1
    return accepted
  }

  #hash(): void {
    const { core } = this.#memory
    const hashes = core.levelStart(this.#open.levels, 0)
    core.hashLeaves(this.#open.leaves, this.#hashed, this.#entries, hashes)
    this.#hashed = this.#entries
  }

  /** Length of the slot that `seal` would make now. */
  slotBytes(receipt: Uint8Array): number {
    const used = this.#recordsEnd - this.#open.bytes
    return alignSlot(used + this.#batches.length * batchRowBytes + receipt.length)
  }

  /** What a new segment that begins with the open slot has to remember. */
  segmentStart(): { first: number; slot: number; previous: Uint8Array; frontier: Uint8Array } {
    const { core, frontier } = this.#memory
    const peaks = core.memory.slice(frontier, frontier + 64 * 32)
    return { first: this.#size, slot: this.#slot, previous: this.#previous, frontier: peaks }
  }

  /**
   * Closes the open slot and opens the other one, which must be off the disk by now.
   * @param time microseconds · @param receipt the note of the slot before
   */
  seal(time: number, receipt: Uint8Array): SealedSlot<Owner> {
    assert(receipt.length <= receiptBytesMax, "a receipt note is short")
    assert(this.slotBytes(receipt) <= slotBytesMax, "a slot stays within its memory")
    const { core, frontier } = this.#memory
    const { bytes, leaves, levels } = this.#open
    if (this.#hashed < this.#entries) this.#hash()
    core.writeLengths(leaves, this.#entries)
    if (this.#entries > 0) core.grow(levels, this.#entries, this.#size, frontier)
    const sealed = this.#describe(time, this.#writeTail(receipt), receipt.length)
    this.#previous = sealed.hash
    this.#slot += 1
    this.#size += this.#entries
    this.#entries = 0
    this.#hashed = 0
    this.#batches = []
    this.#open = this.#other
    this.#other = { bytes, leaves, levels }
    this.#recordsEnd = this.#open.bytes + slotHeaderBytes
    return sealed
  }

  #writeTail(receipt: Uint8Array): Uint8Array {
    const { memory } = this.#memory.core
    let at = this.#recordsEnd
    for (const batch of this.#batches) {
      encodeBatchRow(batch, memory, at)
      at += batchRowBytes
    }
    memory.set(receipt, at)
    at += receipt.length
    memory.fill(0, at, this.#open.bytes + alignSlot(at - this.#open.bytes))
    return memory.subarray(this.#recordsEnd, at)
  }

  #describe(time: number, tail: Uint8Array, receiptBytes: number): SealedSlot<Owner> {
    const { core, frontier, scratch } = this.#memory
    const slotMemory = this.#open
    const first = this.#size
    const entries = this.#entries
    const batches = this.#batches
    const used = this.#recordsEnd - slotMemory.bytes
    const length = alignSlot(used + tail.length)
    const bytes = core.memory.subarray(slotMemory.bytes, slotMemory.bytes + length)
    core.root(frontier, first + entries, scratch)
    const root = core.memory.slice(scratch, scratch + 32)
    const hash = encodeSlotHeader(
      {
        generation: this.#generation,
        bytes: length,
        slot: this.#slot,
        first,
        entries,
        recordsBytes: used - slotHeaderBytes,
        batches: batches.length,
        receiptBytes,
        time,
        previous: this.#previous,
        root,
        tail: sha256(tail),
      },
      bytes,
    )
    const nodeAt = (level: number, i: number): Uint8Array => {
      const at =
        core.levelStart(slotMemory.levels, level) + 32 * (i - Math.floor(first / 2 ** level))
      return core.memory.slice(at, at + 32)
    }
    const range = entries === 0 ? undefined : openRange(first, first + entries, nodeAt)
    return {
      bytes,
      slot: this.#slot,
      first,
      entries,
      time,
      root,
      hash,
      batches,
      nodes: this.#completedTiles(slotMemory, first, first + entries),
      recordOffsets: (segmentFirst) =>
        this.#recordOffsets(slotMemory, first, entries, segmentFirst),
      rangeRoot: range?.root(),
      rangePath: (from, count) => range?.path(from, from + count) ?? [],
    }
  }

  #completedTiles(slotMemory: SlotMemory, before: number, after: number): SlotPlan["nodes"] {
    const nodes: { level: number; from: number; hashes: Uint8Array }[] = []
    for (let level = 0; level < tileLevels; level++) {
      const completed = completedNodes(this.#memory.core, slotMemory.levels, before, after, level)
      if (completed.hashes.length === 0) break
      nodes.push({ level, ...completed })
    }
    return nodes
  }

  #recordOffsets(
    slotMemory: SlotMemory,
    first: number,
    entries: number,
    segmentFirst: number,
  ): { row: number; offsets: readonly number[] } {
    const { memory } = this.#memory.core
    const list = new DataView(memory.buffer, memory.byteOffset + slotMemory.leaves, entries * 8)
    const records = slotMemory.bytes + slotHeaderBytes
    const row = Math.ceil((first - segmentFirst) / 256)
    const offsets: number[] = []
    for (let entry = segmentFirst + row * 256 - first; entry < entries; entry += 256) {
      offsets.push(list.getUint32(entry * 8, true) - 2 - records)
    }
    return { row, offsets }
  }
}
