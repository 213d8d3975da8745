import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { concatBytes, encodeUtf8, sha256 } from "@postern/log/base"
import { leafHash, rangeRoot } from "@postern/log/tlog"
import { alignedZeros } from "./aligned.ts"
import { LogStore, type SlotPlan } from "./log-store.ts"
import type { SlotVisitor } from "./recovery.ts"
import {
  alignSlot,
  type BatchRow,
  batchRowBytes,
  encodeBatchRow,
  encodeSlotHeader,
  slotHeaderBytes,
} from "./slot.ts"
import type { ReadSlot } from "./slot-walker.ts"

export { decodeSlotHeader, tailOf } from "./slot.ts"

export const origin = "disk.test/log"
export const noPeaks = new Uint8Array(64 * 32)

/** A leaf that is different from every other. */
export function leafOf(index: number, bytes = 40): Uint8Array {
  return encodeUtf8(`{"leaf":${index}}\n`.padEnd(bytes, "."))
}

/**
 * Slots of a log, made by the definitions of docs/spec alone: every root is derived anew from all leaves. Slow, and
 * known in every byte.
 */
export class NaiveLog {
  readonly hashes: Uint8Array[] = []
  readonly leaves: Uint8Array[] = []
  readonly plans: (SlotPlan & { readonly previous: Uint8Array })[] = []
  previous: Uint8Array = new Uint8Array(32)

  get size(): number {
    return this.leaves.length
  }

  /** Root of the first `size` entries. */
  root(size = this.size): Uint8Array {
    return size === 0
      ? sha256(new Uint8Array())
      : rangeRoot(0, concatBytes(...this.hashes.slice(0, size)))
  }

  /** Full node i of a tree level. */
  node(level: number, i: number): Uint8Array {
    const width = 2 ** level
    return rangeRoot(i * width, concatBytes(...this.hashes.slice(i * width, (i + 1) * width)))
  }

  /** Peaks of the whole tree, by level. */
  frontier(): Uint8Array {
    const peaks = noPeaks.slice()
    let at = 0
    for (let level = 40; level >= 0; level--) {
      const width = 2 ** level
      if (at + width > this.size) continue
      peaks.set(this.node(level, at / width), level * 32)
      at += width
    }
    return peaks
  }

  /** The next slot, of one batch with these leaves. */
  slot(leaves: readonly Uint8Array[], receipt = encodeUtf8("receipt")): SlotPlan {
    const first = this.size
    this.leaves.push(...leaves)
    this.hashes.push(...leaves.map(leafHash))
    const { previous } = this
    const slot = this.plans.length
    const row = rowOf({ sequence: first, events: leaves.length, accepted: leaves.length, first })
    const shape = { slot, first, entries: leaves.length, time: 1000 + slot, root: this.root() }
    const { bytes, hash } = encodeSlot({ ...shape, previous }, leaves, [row], receipt)
    const recordOffsets = (segmentFirst: number) => offsetsOf(leaves, first - segmentFirst)
    const plan = { ...shape, bytes, hash, nodes: this.#nodes(first), recordOffsets, previous }
    this.plans.push(plan)
    this.previous = hash
    return plan
  }

  /** Slots of these numbers of entries. */
  slots(counts: readonly number[], leafBytes = 40): SlotPlan[] {
    return counts.map((count) => {
      return this.slot(Array.from({ length: count }, (_, i) => leafOf(this.size + i, leafBytes)))
    })
  }

  #nodes(before: number): SlotPlan["nodes"] {
    return [0, 1, 2].flatMap((level) => {
      const width = 256 ** level
      const from = Math.floor(before / width)
      const count = Math.floor(this.size / width) - from
      if (count === 0) return []
      const nodes = Array.from({ length: count }, (_, i) => this.node(8 * level, from + i))
      return [{ level, from, hashes: concatBytes(...nodes) }]
    })
  }
}

function offsetsOf(leaves: readonly Uint8Array[], before: number) {
  const offsets: number[] = []
  let at = 0
  for (const [i, leaf] of leaves.entries()) {
    if ((before + i) % 256 === 0) offsets.push(at)
    at += 2 + leaf.length
  }
  return { row: Math.ceil(before / 256), offsets }
}

export function rowOf(some: Partial<BatchRow>): BatchRow {
  const zeros = { open: 0, sequence: 0, events: 0, accepted: 0, first: 0, received: 0 }
  const seed = new Uint8Array(16).fill(3)
  return { ...zeros, changed: 0, kind: 2, seed, digest: new Uint8Array(32).fill(4), ...some }
}

export function encodeSlot(
  shape: Omit<
    Parameters<typeof encodeSlotHeader>[0],
    "generation" | "bytes" | "recordsBytes" | "batches" | "receiptBytes" | "tail"
  >,
  leaves: readonly Uint8Array[],
  rows: readonly BatchRow[],
  receipt: Uint8Array,
): { bytes: Uint8Array; hash: Uint8Array } {
  const records = concatBytes(
    ...leaves.map((leaf) => concatBytes(Uint8Array.of(leaf.length >> 8, leaf.length & 0xff), leaf)),
  )
  const table = new Uint8Array(rows.length * batchRowBytes)
  for (const [i, row] of rows.entries()) encodeBatchRow(row, table, i * batchRowBytes)
  const tail = concatBytes(table, receipt)
  const bytes = alignedZeros(alignSlot(slotHeaderBytes + records.length + tail.length))
  bytes.set(concatBytes(records, tail), slotHeaderBytes)
  const counts = {
    recordsBytes: records.length,
    batches: rows.length,
    receiptBytes: receipt.length,
  }
  const lengths = { generation: 1, bytes: bytes.length, tail: sha256(tail) }
  return { bytes, hash: encodeSlotHeader({ ...shape, ...counts, ...lengths }, bytes) }
}

const directories: string[] = []

/** A directory that `removeDirectories` takes away again. */
export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "postern-disk-"))
  directories.push(directory)
  return join(directory, "log")
}

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

/** What recovery shows of the slots it finds. */
export class Seen implements SlotVisitor {
  readonly begins: number[] = []
  readonly slots: { readonly slot: number; readonly rows: readonly BatchRow[] }[] = []

  begin(start: { readonly first: number }): void {
    this.begins.push(start.first)
  }

  slot({ header, rows }: ReadSlot): void {
    this.slots.push({ slot: header.slot, rows })
  }
}

export function openStore(path: string, bytesMax?: number): Promise<LogStore> {
  return LogStore.open(path, origin, new Seen(), bytesMax)
}

/** Makes slots durable as the port does, the head after each. */
export async function commit(store: LogStore, plans: readonly SlotPlan[]): Promise<void> {
  for (const plan of plans) {
    await store.commit(plan)
    store.advance(store.headOf(plan))
  }
}

/** A log of slots with these numbers of entries, closed again. */
export async function writeLog(counts: readonly number[], leafBytes = 40) {
  const path = newDirectory()
  const log = new NaiveLog()
  const store = await openStore(path)
  await commit(store, log.slots(counts, leafBytes))
  await store.close()
  return { path, log }
}

/** Where the segment's slots begin, in bytes. */
export function offsetsInSegment(plans: readonly SlotPlan[]): number[] {
  let at = 0
  return plans.map(({ bytes }) => {
    at += bytes.length
    return at - bytes.length
  })
}
