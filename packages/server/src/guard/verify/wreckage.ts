import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { decodeUtf8, equalBytes, sha256 } from "@postern/log/base"
import {
  nodeFiles,
  type OnDamage,
  openSegment,
  type ReadSlot,
  type SegmentBytes,
  slotHeaderBytes,
  walkSlots,
} from "../../disk/index.ts"

const magic = "postern1"
const slotAlign = 4096
const hashAt = 224
const scanBytes = 1024 * 1024

/** What stands at a place where a whole slot should begin, but does not; undefined if there is nothing. */
export async function describeRemains(
  path: string,
  at: number,
  bytes: number,
  onDamage: OnDamage,
): Promise<{ code: string; what: string } | undefined> {
  if (at >= bytes) return undefined
  const header = await readAt(path, at, slotHeaderBytes, onDamage)
  // Segment files are made longer than what is in them.
  if (header.every((byte) => byte === 0)) return undefined
  if (decodeUtf8(header.subarray(0, magic.length)) !== magic) {
    return { code: "slot-header", what: "no slot begins here" }
  }
  const own = header.subarray(hashAt)
  if (header.length < slotHeaderBytes || !equalBytes(sha256(header.subarray(0, hashAt)), own)) {
    return { code: "slot-header", what: "the slot's header does not have its own hash" }
  }
  const length = new DataView(header.buffer, header.byteOffset).getUint32(12)
  if (at + length > bytes) return { code: "slot-cut-off", what: "the file ends within the slot" }
  return { code: "slot-tail", what: "the slot's batch table and receipt do not have their digest" }
}

export interface LaterSlot {
  readonly at: number
  readonly slot: number
  readonly first: number
}

/** The next whole slot behind a damaged place that the caller takes. */
export async function findLaterSlot(
  path: string,
  from: number,
  takes: (slot: ReadSlot) => boolean,
  onDamage: OnDamage,
): Promise<LaterSlot | undefined> {
  for await (const at of placesOfMagic(path, from + slotAlign, onDamage)) {
    const slots = walkSlots(path, at, nodeFiles, onDamage)
    const { value, done } = await slots.next()
    const found = done !== true && takes(value) ? value.header : undefined
    await slots.return({ at, bytes: 0 })
    if (found !== undefined) return { at, slot: found.slot, first: found.first }
  }
  return undefined
}

/** Places on a slot boundary where the bytes of a slot's beginning stand. A writer's data may imitate them. */
async function* placesOfMagic(
  path: string,
  from: number,
  onDamage: OnDamage,
): AsyncGenerator<number> {
  const file = await openSegment(path, nodeFiles, onDamage).catch(ignoreAbsent)
  if (file === undefined) return
  try {
    const window = Buffer.alloc(scanBytes)
    for (let at = from; ; at += scanBytes) {
      const filled = await fill(file, window, at)
      for (let i = 0; i + magic.length <= filled; i += slotAlign) {
        if (window.toString("latin1", i, i + magic.length) === magic) yield at + i
      }
      if (filled < scanBytes) return
    }
  } finally {
    await file.close()
  }
}

/** Names of the segments that have something in them, each as its plain file's. A compressed one always has. */
export async function writtenSegments(directory: string): Promise<string[]> {
  const written: string[] = []
  const names = (await readdir(join(directory, "segments"))).sort()
  const there = new Set(names)
  for (const name of names) {
    if (name.endsWith(".segz") && !there.has(name.slice(0, -1))) written.push(name.slice(0, -1))
    if (!name.endsWith(".seg")) continue
    // A port that was killed while it began a segment leaves a file of nothing, or of zeros.
    const begin = await readAt(
      join(directory, "segments", name),
      0,
      slotHeaderBytes,
      () => undefined,
    )
    if (begin.some((byte) => byte !== 0)) written.push(name)
  }
  return written
}

async function readAt(
  path: string,
  at: number,
  bytes: number,
  onDamage: OnDamage,
): Promise<Buffer> {
  const file = await openSegment(path, nodeFiles, onDamage)
  try {
    const buffer = Buffer.alloc(bytes)
    return buffer.subarray(0, await fill(file, buffer, at))
  } finally {
    await file.close()
  }
}

async function fill(file: SegmentBytes, buffer: Buffer, at: number): Promise<number> {
  let filled = 0
  while (filled < buffer.length) {
    const bytesRead = await file.read(buffer, filled, buffer.length - filled, at + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error
  return undefined
}
