import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { FrameQueue } from "./frame-queue.ts"
import { decodeMeta, type Meta, type Range } from "./meta.ts"
import {
  compareRecords,
  type FoundRecord,
  findRecords,
  recordBytes,
  recordHeaderBytes,
} from "./record.ts"
import { Segment } from "./segment.ts"
import { gapFrame, type Part } from "./spool-frame.ts"

/** What a spool directory held when it was opened. */
export interface RecoveredSpool {
  /** All files, those without frames included. */
  readonly segments: readonly Segment[]
  /** The one that holds the newest record; the next one goes behind it. */
  readonly current: Segment | undefined
  /** Everything that is not acknowledged; what is missing in between stands as gaps. */
  readonly queue: FrameQueue
  /** Undefined in a new directory, and if no whole slot was found. */
  readonly meta: Meta | undefined
  readonly generation: number
  /** Where the next record begins. */
  readonly nextPosition: number
  /** Events that were once recorded and cannot be read any more. Those dropped on purpose do not count. */
  readonly damagedEvents: number
}

export const droppedReason = "the spool was full"
export const damagedReason = "the spool was damaged"
export const metaName = "meta"
const segmentPattern = /^segment-[0-9]{2,6}$/

export function segmentName(index: number): string {
  return `segment-${String(index).padStart(2, "0")}`
}

/**
 * Reads the whole directory. A record that was not written to its end is as if it had never been begun, unless `meta` has seen it
 * whole; anything else that is missing becomes a gap. Errors: SPOOL_DAMAGED for a `meta` that is not one of ours; those of the file system.
 */
export function recoverSpool(directory: string, segmentBytes: number): RecoveredSpool {
  const { meta, generation } = readMeta(join(directory, metaName))
  const segments: Segment[] = []
  const found: Found[] = []
  for (const name of readdirSync(directory).filter((name) => segmentPattern.test(name))) {
    const path = join(directory, name)
    const file = readFileSync(path)
    const segment = Segment.open(path, Math.max(segmentBytes, file.length))
    segments.push(segment)
    for (const record of findRecords(file)) {
      found.push({ record, segment, reason: reasonOf(record, file) })
    }
  }
  found.sort((a, b) => compareRecords(a.record, b.record))
  const begin = meta?.acked ?? found[0]?.record.position ?? 0
  const chain = new Chain(begin, meta?.dropped ?? [])
  const parts = partsByBatch(found)
  for (const { record, segment, reason } of found) {
    if (record.kind === "part") continue
    const own = parts.get(batchKey(record)) ?? []
    const isWhole =
      own.length === record.parts && own.every(({ record: { parts } }, at) => parts === at)
    if (!isWhole || !chain.add(record, segment, own.map(placeOf), reason)) continue
    for (const each of [...own, { record, segment }]) {
      each.segment.end = each.record.offset + recordBytes(each.record.regionBytes)
      each.segment.records += 1
    }
  }
  chain.fillUpTo(Math.max(chain.next, meta?.dropped.at(-1)?.end ?? 0, meta?.end ?? 0))
  return {
    segments,
    current: chain.queue.last?.place?.segment,
    queue: chain.queue,
    meta,
    generation,
    nextPosition: chain.next,
    damagedEvents: chain.damagedEvents,
  }
}

interface Found {
  readonly record: FoundRecord
  readonly segment: Segment
  /** A gap's. Not the whole file is held for it. */
  readonly reason: string | undefined
}

/** A part without its batch was left behind: its process ended in between, or its place was not used again. */
function partsByBatch(found: readonly Found[]): Map<string, Found[]> {
  const parts = new Map<string, Found[]>()
  for (const each of found) {
    if (each.record.kind !== "part") continue
    const key = batchKey(each.record)
    parts.set(key, [...(parts.get(key) ?? []), each])
  }
  return parts
}

function batchKey({ position, tag }: FoundRecord): string {
  return `${position} ${tag}`
}

function placeOf({ segment, record: { offset, regionBytes } }: Found): Part {
  return { segment, offset, regionBytes }
}

function readMeta(path: string): { meta: Meta | undefined; generation: number } {
  if (!existsSync(path)) return { meta: undefined, generation: 0 }
  const file = readFileSync(path)
  const decoded = decodeMeta(file)
  if (decoded !== undefined) return decoded
  const magic = file.subarray(0, 8).toString("latin1")
  if (magic.startsWith("pspmeta") && magic !== "pspmeta1") {
    throw new PosternError("SPOOL_DAMAGED", `${path} is of another version`)
  }
  return { meta: undefined, generation: 0 }
}

function reasonOf(record: FoundRecord, file: Buffer): string | undefined {
  if (record.kind !== "gap") return undefined
  const at = record.offset + recordHeaderBytes
  return file.toString("utf8", at, at + record.regionBytes)
}

/** Lines the found records up and puts gaps where records are missing. */
class Chain {
  readonly queue = new FrameQueue()
  next: number
  damagedEvents = 0
  readonly #dropped: readonly Range[]

  constructor(begin: number, dropped: readonly Range[]) {
    this.next = begin
    this.#dropped = dropped
  }

  /** False if the record is settled or was dropped, in a file that has not been used again yet. */
  add(
    record: FoundRecord,
    segment: Segment,
    parts: readonly Part[],
    reason: string | undefined,
  ): boolean {
    const { regionBytes } = record
    const kind = record.kind === "gap" ? "gap" : "batch"
    const end = record.position + record.count
    // A gap may be settled in part, a batch only as a whole.
    const position = kind === "gap" ? Math.max(record.position, this.next) : record.position
    if (end <= this.next || position < this.next) return false
    if (this.#dropped.some((range) => position < range.end && range.from < end)) return false
    this.fillUpTo(position)
    const place = { segment, offset: record.offset }
    this.queue.push({
      ...{ kind, position, count: end - position, reason, place, parts, regionBytes },
      ...{ region: undefined, digest: undefined },
    })
    this.next = end
    return true
  }

  /** Puts gaps where nothing was found, up to `end`; those dropped on purpose apart from damaged ones. */
  fillUpTo(end: number): void {
    for (const range of this.#dropped) {
      if (range.end <= this.next || range.from >= end) continue
      if (range.from > this.next) this.#addGap(range.from, damagedReason)
      this.#addGap(Math.min(range.end, end), droppedReason)
    }
    if (end > this.next) this.#addGap(end, damagedReason)
  }

  #addGap(end: number, reason: string): void {
    if (reason === damagedReason) this.damagedEvents += end - this.next
    this.queue.push(gapFrame(this.next, end, reason))
    this.next = end
  }
}
