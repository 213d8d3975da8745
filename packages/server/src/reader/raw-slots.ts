import { readFile } from "node:fs/promises"
import { assert, PosternError } from "@postern/log/base"
import {
  decodeSlotHeader,
  type LogView,
  listSegments,
  openSegment,
  readSegmentStart,
  type SegmentBytes,
  segmentPath,
  slotBytesMax,
  slotHeaderBytes,
} from "../disk/index.ts"
import type { RawSlots, SlotCursor, SlotPiece } from "./api/index.ts"

/** Slots of a log directory as they stand on disk, never beyond the head that the view has seen. */
export function openRawSlots(directory: string, view: LogView): RawSlots {
  return { open: (slot) => openCursor(directory, view, slot) }
}

/** Where a cursor stands: before slot number `slot`, at an offset of a segment. */
interface Place {
  first: number
  /** Number of the first slot of the segment behind this one, undefined while that is not known to exist. */
  nextSlot: number | undefined
  nextFirst: number | undefined
  at: number
  slot: number
  /** The segment's `.start` was not given yet. */
  begins: boolean
}

async function openCursor(directory: string, view: LogView, slot: number): Promise<SlotCursor> {
  const { slot: newest } = view.head()
  if (slot > newest + 1) throw new PosternError("NOT_FOUND", `the log has ${newest + 1} slots`)
  const cursor = new DirectoryCursor(directory, view, await findSegment(directory, slot))
  try {
    await cursor.skipTo(slot)
  } catch (error) {
    await cursor.close()
    throw error
  }
  return cursor
}

/** The newest segment whose first slot is not behind this one. */
async function findSegment(directory: string, slot: number): Promise<Place> {
  const firsts = await listSegments(directory)
  let low = 0
  let high = firsts.length
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2)
    const start = await readSegmentStart(directory, firsts[middle] ?? 0)
    if (start.slot <= slot) low = middle
    else high = middle
  }
  const first = firsts[low]
  if (first === undefined) throw new PosternError("LOG_DAMAGED", "there is no segment")
  const start = await readSegmentStart(directory, first)
  if (slot < start.slot) {
    throw new PosternError("ENTRY_PRUNED", `slot ${slot}: the log begins with ${start.slot}`)
  }
  const place = { first, nextSlot: undefined, nextFirst: undefined, at: 0, slot: start.slot }
  return { ...place, begins: true }
}

class DirectoryCursor implements SlotCursor {
  readonly #directory: string
  readonly #view: LogView
  readonly #place: Place
  #file: SegmentBytes | undefined

  constructor(directory: string, view: LogView, place: Place) {
    this.#directory = directory
    this.#view = view
    this.#place = place
  }

  /** Passes over slots by their headers alone. */
  async skipTo(slot: number): Promise<void> {
    const place = this.#place
    // A segment is begun before its first slot: whoever has all slots before it has not seen its start.
    if (place.slot < slot) place.begins = false
    while (place.slot < slot) {
      const header = this.#headerOf(await this.#read(place.at, slotHeaderBytes))
      place.at += header.bytes
      place.slot += 1
    }
  }

  async next(bytesMax: number): Promise<readonly SlotPiece[]> {
    const place = this.#place
    const head = this.#view.head()
    if (place.slot > head.slot) return []
    await this.#leaveSegment(head.segment)
    const pieces: SlotPiece[] = []
    if (place.begins) {
      place.begins = false
      // Byte for byte, digest and all: the mirror writes the same file.
      const start = await readFile(segmentPath(this.#directory, place.first, "start"))
      pieces.push({ kind: "segment", first: place.first, start })
    }
    const end = place.nextSlot ?? head.slot + 1
    const window = await this.#window(bytesMax)
    let used = 0
    while (place.slot < end && used + slotHeaderBytes <= window.length) {
      const header = this.#headerOf(window.subarray(used))
      if (used + header.bytes > window.length) break
      const { slot, first, entries } = header
      const bytes = window.subarray(used, used + header.bytes)
      pieces.push({ kind: "slot", slot, first, entries, bytes })
      used += header.bytes
      place.at += header.bytes
      place.slot += 1
    }
    return pieces
  }

  /** Goes to the segment behind this one if all slots of this one were given. */
  async #leaveSegment(headSegment: number): Promise<void> {
    const place = this.#place
    if (place.first < headSegment && place.nextFirst === undefined) {
      place.nextFirst = (await listSegments(this.#directory)).find((first) => first > place.first)
      if (place.nextFirst === undefined) throw this.#damaged("there is no segment behind it")
      place.nextSlot = (await readSegmentStart(this.#directory, place.nextFirst)).slot
    }
    if (place.nextFirst === undefined || place.slot !== place.nextSlot) return
    await this.#closeFile()
    const first = place.nextFirst
    Object.assign(place, { first, at: 0, nextSlot: undefined, nextFirst: undefined, begins: true })
    await this.#leaveSegment(headSegment)
  }

  /** Bytes from the place on: `bytesMax` of them, or one slot if that is longer. */
  async #window(bytesMax: number): Promise<Uint8Array> {
    const { at } = this.#place
    const { bytes } = this.#headerOf(await this.#read(at, slotHeaderBytes))
    return this.#read(at, Math.min(slotBytesMax, Math.max(bytes, bytesMax)))
  }

  #headerOf(bytes: Uint8Array) {
    const header = decodeSlotHeader(bytes)?.header
    if (header?.slot === this.#place.slot) return header
    throw this.#damaged(`slot ${this.#place.slot} is not there`)
  }

  #damaged(what: string): PosternError {
    const path = segmentPath(this.#directory, this.#place.first, "seg")
    return new PosternError("LOG_DAMAGED", `${path} at byte ${this.#place.at}: ${what}`)
  }

  async #read(at: number, length: number): Promise<Uint8Array> {
    assert(length <= slotBytesMax, "windows are bounded")
    this.#file ??= await openSegment(segmentPath(this.#directory, this.#place.first, "seg"))
    const bytes = Buffer.allocUnsafe(length)
    return bytes.subarray(0, await this.#file.read(bytes, 0, length, at))
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async close(): Promise<void> {
    await this.#closeFile()
  }
}
