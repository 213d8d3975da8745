import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs"
import { join } from "node:path"
import { sha256 } from "@postern/log/base"
import {
  encodeSlotHeader,
  followLog,
  type Head,
  listSegments,
  segmentPath,
  walkSlots,
} from "../../packages/server/dist/disk/index.js"
import type { Decisions } from "./decisions.ts"

/** Where a slot stands in the newest segment, and how long its parts are. */
export interface SlotPlace {
  readonly at: number
  readonly bytes: number
  readonly slot: number
  readonly recordsBytes: number
  readonly tailBytes: number
  readonly hash: Uint8Array
}

/** The newest segment of a log that nobody holds: what the head covers, and what stands behind it. */
export interface SegmentEnd {
  readonly path: string
  readonly start: string
  readonly head: Head
  readonly slots: readonly SlotPlace[]
}

export async function readSegmentEnd(directory: string): Promise<SegmentEnd> {
  const log = await followLog(directory)
  const head = log.head()
  await log.close()
  const first = (await listSegments(directory)).at(-1) ?? 0
  const path = segmentPath(directory, first, "seg")
  const slots: SlotPlace[] = []
  for await (const { header, hash, at } of walkSlots(path)) {
    const { bytes, slot, recordsBytes, batches, receiptBytes } = header
    const tailBytes = batches * 104 + receiptBytes
    slots.push({ at, bytes, slot, recordsBytes, tailBytes, hash: new Uint8Array(hash) })
  }
  return { path, start: segmentPath(directory, first, "start"), head, slots }
}

export function headFile(directory: string): string {
  return join(directory, "head")
}

/** Changes a file in place; the answer puts back what was there. */
export function overwrite(path: string, at: number, bytes: Uint8Array): () => void {
  return edit(path, (fd) => {
    const before = Buffer.alloc(bytes.length)
    const length = readSync(fd, before, 0, before.length, at)
    const { size } = fstatSync(fd)
    writeSync(fd, bytes, 0, bytes.length, at)
    return (again) => {
      writeSync(again, before, 0, length, at)
      ftruncateSync(again, size)
    }
  })
}

/** Cuts a file off; the answer puts back what was there. */
export function cutOff(path: string, at: number): () => void {
  return edit(path, (fd) => {
    const lost = Buffer.alloc(fstatSync(fd).size - at)
    readSync(fd, lost, 0, lost.length, at)
    ftruncateSync(fd, at)
    return (again) => writeSync(again, lost, 0, lost.length, at)
  })
}

function edit(path: string, change: (fd: number) => (fd: number) => void): () => void {
  const open = <T>(use: (fd: number) => T): T => {
    const fd = openSync(path, "r+")
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  }
  const undo = open(change)
  return () => open(undo)
}

export function readBytes(path: string, at: number, length: number): Buffer {
  const fd = openSync(path, "r")
  try {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, readSync(fd, bytes, 0, length, at))
  } finally {
    closeSync(fd)
  }
}

/**
 * A slot as it would come next, of which a power loss kept the first and the last blocks: header and tail are right, the
 * records are zeros.
 */
export function hollowSlot({ head, slots }: SegmentEnd, decisions: Decisions): Buffer {
  const recordsBytes = 8192 + decisions.between(0, 100_000)
  const row = decisions.bytes(104)
  const bytes = Math.ceil((256 + recordsBytes + row.length) / 4096) * 4096
  const slot = Buffer.alloc(bytes)
  row.copy(slot, 256 + recordsBytes)
  const header = {
    ...{ generation: 1, bytes, slot: head.slot + 1, first: head.size, entries: 40, recordsBytes },
    ...{ batches: 1, receiptBytes: 0, time: head.time + 1000 },
    previous: slots.find(({ slot: number }) => number === head.slot)?.hash ?? new Uint8Array(32),
    root: new Uint8Array(decisions.bytes(32)),
    tail: sha256(row),
  }
  encodeSlotHeader(header, slot)
  return slot
}
