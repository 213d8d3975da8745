import type { Segment } from "./segment.ts"

/** Where a record is written. */
export interface Place {
  readonly segment: Segment
  readonly offset: number
}

/** A part of a disclosure: the body of a DISCLOSURE, on disk only. */
export interface Part extends Place {
  readonly regionBytes: number
}

/**
 * A frame that waits for its acknowledgement: a batch, or a gap (events that are lost and counted). Frames stand one
 * behind the other in positions; a position is the number of events before, counted since the spool began.
 */
export interface SpoolFrame {
  readonly kind: "batch" | "gap"
  position: number
  /** Events; of a gap, those lost. */
  count: number
  /** A gap's: why. Goes into the log. */
  readonly reason: string | undefined
  /** Where it is written; undefined for a gap that stands for records that are no longer there. */
  place: Place | undefined
  /** The disclosures that its events name, to be handed over before it. */
  parts: readonly Part[]
  readonly regionBytes: number
  /** The region, if it is in memory. */
  region: Buffer | undefined
  /** The stream's chain digest after it, once somebody needed it. */
  digest: Uint8Array | undefined
}

/** Bytes of the frame and of what is handed over before it. */
export function bytesOf({ regionBytes, parts }: SpoolFrame): number {
  return parts.reduce((sum, part) => sum + part.regionBytes, regionBytes)
}

/** Where the frame and what belongs to it are written, in order. */
export function placesOf({ place, parts }: SpoolFrame): readonly Place[] {
  return place === undefined ? parts : [...parts, place]
}

export function endOf(frame: SpoolFrame): number {
  return frame.position + frame.count
}

/** Events that were given up. */
export interface Loss {
  readonly events: number
  /** Position behind the last one. */
  readonly end: number
}

/** A gap that stands for frames that are no longer there. */
export function gapFrame(position: number, end: number, reason: string): SpoolFrame {
  const gone = { place: undefined, parts: [], regionBytes: 0, region: undefined, digest: undefined }
  return { kind: "gap", position, count: end - position, reason, ...gone }
}

/** Whether it is such a gap, for this reason. */
export function isGivenUp(frame: SpoolFrame | undefined, reason: string): frame is SpoolFrame {
  return frame?.reason === reason && frame.place === undefined
}

/** The frames in order, with the oldest at the front. In memory only. */
export class FrameQueue implements Iterable<SpoolFrame> {
  #frames: SpoolFrame[] = []
  #head = 0

  get length(): number {
    return this.#frames.length - this.#head
  }

  get first(): SpoolFrame | undefined {
    return this.#frames[this.#head]
  }

  get last(): SpoolFrame | undefined {
    return this.length === 0 ? undefined : this.#frames.at(-1)
  }

  push(frame: SpoolFrame): void {
    this.#frames.push(frame)
  }

  shift(): SpoolFrame | undefined {
    if (this.length === 0) return undefined
    const frame = this.#frames[this.#head]
    this.#head += 1
    if (this.#head > 1024 && this.#head * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head)
      this.#head = 0
    }
    return frame
  }

  /** The frame that holds the event at this position. */
  find(position: number): SpoolFrame | undefined {
    const at = this.#search(position)
    const frame = this.#frames[at]
    return frame !== undefined && frame.position <= position ? frame : undefined
  }

  /** The frames from the one that holds `position` on. */
  *from(position: number): Generator<SpoolFrame> {
    for (let at = this.#search(position); at < this.#frames.length; at++) {
      yield this.#frames[at] as SpoolFrame
    }
  }

  [Symbol.iterator](): Generator<SpoolFrame> {
    return this.from(this.first?.position ?? 0)
  }

  /** Puts one gap in the place of the frames that lie in `[position, end)`, which begins and ends with a frame. */
  replace(position: number, end: number, gap: SpoolFrame): void {
    const from = this.#search(position)
    const to = this.#search(end)
    this.#frames.splice(from, to - from, gap)
  }

  /** Index of the first frame that ends behind `position`. */
  #search(position: number): number {
    let low = this.#head
    let high = this.#frames.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (endOf(this.#frames[middle] as SpoolFrame) <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}
