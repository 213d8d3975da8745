import { basename, join } from "node:path"
import { recordBytesMax } from "./record.ts"
import { metaName, segmentName } from "./recovery.ts"
import { Segment, syncDirectoryOf } from "./segment.ts"

export interface SegmentSettings {
  readonly directory: string
  readonly segmentBytes: number
  /** At least 2. */
  readonly segmentsMax: number
  /** All files are made and filled at once, and stay: a full disk cannot stop the spool later. */
  readonly isPreallocated: boolean
}

/** The files of a spool: which one is written to, which are free, which are done with. */
export class SegmentSet {
  readonly #settings: SegmentSettings
  #all: readonly Segment[]
  #current: Segment | undefined
  /** Without records, but not to be used again before `meta` says so durably. */
  readonly #retired: Segment[] = []
  #hasNewNames = true

  constructor(
    settings: SegmentSettings,
    found: { readonly segments: readonly Segment[]; readonly current: Segment | undefined },
  ) {
    this.#settings = settings
    this.#all = found.segments
    this.#current = found.current
  }

  /** Where the newest record is. */
  get current(): Segment | undefined {
    return this.#current
  }

  get hasRetired(): boolean {
    return this.#retired.length > 0
  }

  async preallocate(): Promise<void> {
    const { isPreallocated, segmentsMax } = this.#settings
    if (!isPreallocated) return
    while (this.#all.length < segmentsMax) this.#add()
    for (const segment of this.#all) {
      if (segment.records === 0 && segment.sizeThen < segment.capacity) await segment.preallocate()
    }
  }

  /** The file for a record of so many bytes, from now on the current one; undefined if there is no room. */
  segmentFor(bytes: number): Segment | undefined {
    const current = this.#current
    if (current !== undefined && current.end + bytes <= current.capacity) return current
    const free = this.#all.find((segment) => segment.isFree)
    if (free === undefined && this.#all.length >= this.#settings.segmentsMax) return undefined
    this.#current = free ?? this.#add()
    if (current?.records === 0) this.#retired.push(current)
    return this.#current
  }

  #add(): Segment {
    const { directory, segmentBytes } = this.#settings
    const names = new Set(this.#all.map(({ path }) => basename(path)))
    let index = 0
    while (names.has(segmentName(index))) index += 1
    const segment = Segment.open(join(directory, segmentName(index)), segmentBytes)
    this.#all = [...this.#all, segment]
    this.#hasNewNames = true
    return segment
  }

  /** A record of the segment is settled or given up. */
  leave(segment: Segment): void {
    segment.records -= 1
    if (segment.records === 0 && segment !== this.#current) this.#retired.push(segment)
  }

  /** Bytes of records that still find room, at least: a record goes whole into one file, so the end of each may stay empty. */
  get freeBytes(): number {
    const { segmentBytes, segmentsMax } = this.#settings
    const unmade = Math.max(0, segmentsMax - this.#all.length)
    let bytes = unmade * (segmentBytes - recordBytesMax)
    for (const segment of this.#all) {
      const room = segment.capacity - segment.end - recordBytesMax
      if ((segment === this.#current || segment.isFree) && room > 0) bytes += room
    }
    return bytes
  }

  /** Bytes of all files together, at most. */
  get capacity(): number {
    return this.#settings.segmentBytes * this.#settings.segmentsMax
  }

  /** Bytes of records that find room, at least, once everything else has gone but what is in the current file. */
  get bytesMax(): number {
    const { segmentBytes, segmentsMax } = this.#settings
    return (segmentsMax - 1) * (segmentBytes - recordBytesMax)
  }

  /** Everything that was written so far is on stable storage. Errors are those of the file system. */
  async sync(): Promise<void> {
    for (const segment of this.#all) if (segment.isDirty) await segment.sync()
    if (!this.#hasNewNames) return
    this.#hasNewNames = false
    await syncDirectoryOf(join(this.#settings.directory, metaName))
  }

  /**
   * Frees what is done with, after `recorded` has made durable that it is. Errors are those of the file system; what was not
   * freed stays done with.
   */
  async free(recorded: () => Promise<void>): Promise<void> {
    const retired = this.#retired.splice(0)
    try {
      await recorded()
      for (let segment = retired[0]; segment !== undefined; segment = retired[0]) {
        await this.#free(segment)
        retired.shift()
      }
    } finally {
      this.#retired.push(...retired)
    }
  }

  async #free(segment: Segment): Promise<void> {
    const { isPreallocated, segmentsMax } = this.#settings
    if (isPreallocated && this.#all.length <= segmentsMax) return segment.reuse()
    // Its name may be given again only once the file is gone.
    await segment.remove()
    this.#all = this.#all.filter((each) => each !== segment)
    await segment.close()
  }

  async close(): Promise<void> {
    for (const segment of this.#all) await segment.close()
  }
}
