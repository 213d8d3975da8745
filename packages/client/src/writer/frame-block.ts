import type { Segment } from "./segment.ts"
import { endOf, noParts, type SpoolFrame } from "./spool-frame.ts"

const framesMax = 256
const numberMax = 2 ** 32
/** Of each frame: events, offset, bytes of the region. */
const numbersEach = 3

/** Frames of one file, as numbers. */
interface PackedFrames {
  readonly segment: Segment
  readonly position: number
  readonly end: number
  readonly numbers: Uint32Array
}

/**
 * Some frames that follow each other. During an outage there may be a million, nowhere but on disk: those that nobody has looked at yet take
 * twelve bytes each instead of some two hundred. Whoever has seen a frame may hold on to it, so from then on it stays the same object.
 */
export class FrameBlock {
  #frames: SpoolFrame[]
  #packed: PackedFrames | undefined
  #isSeen = false

  /** @param frames at least one */
  constructor(frames: SpoolFrame[]) {
    this.#frames = frames
  }

  /** To look at, not to change. */
  get frames(): readonly SpoolFrame[] {
    this.#isSeen = true
    if (this.#packed !== undefined) this.#frames = unpack(this.#packed)
    this.#packed = undefined
    return this.#frames
  }

  get length(): number {
    return this.#packed === undefined
      ? this.#frames.length
      : this.#packed.numbers.length / numbersEach
  }

  /** Position behind the last frame. */
  get end(): number {
    return this.#packed?.end ?? endOf(this.#frames.at(-1) as SpoolFrame)
  }

  hasRoomFor(frame: SpoolFrame): boolean {
    const last = this.#frames.at(-1)
    const isSameFile = last?.place?.segment === frame.place?.segment
    return this.#packed === undefined && isSameFile && this.#frames.length < framesMax
  }

  /** hasRoomFor() says that it may be. */
  push(frame: SpoolFrame): void {
    this.#frames.push(frame)
  }

  /** From here on it takes little, if it may: nobody saw the frames, and all that is to be known of them are their places. */
  pack(): void {
    const segment = this.#frames[0]?.place?.segment
    if (this.#isSeen || segment === undefined || !this.#frames.every(isPlain)) return
    const { position } = this.#frames[0] as SpoolFrame
    const numbers = new Uint32Array(numbersEach * this.#frames.length)
    for (const [at, { count, place, regionBytes }] of this.#frames.entries()) {
      numbers.set([count, place?.offset ?? 0, regionBytes], numbersEach * at)
    }
    this.#packed = { segment, position, end: this.end, numbers }
    this.#frames = []
  }

  forgetDigests(): void {
    for (const frame of this.#frames) frame.digest = undefined
  }
}

function isPlain({ kind, count, place, parts, regionBytes, region, digest }: SpoolFrame): boolean {
  const isOnDiskOnly = place !== undefined && place.offset < numberMax && region === undefined
  const isBatch = kind === "batch" && parts.length === 0 && digest === undefined
  return isOnDiskOnly && isBatch && count < numberMax && regionBytes < numberMax
}

function unpack({ segment, position, numbers }: PackedFrames): SpoolFrame[] {
  const frames: SpoolFrame[] = []
  let next = position
  for (let at = 0; at < numbers.length; at += numbersEach) {
    const count = numbers[at] as number
    const place = { segment, offset: numbers[at + 1] as number }
    const regionBytes = numbers[at + 2] as number
    frames.push({
      ...{ kind: "batch", position: next, count, place, parts: noParts, regionBytes },
      ...{ reason: undefined, region: undefined, digest: undefined },
    })
    next += count
  }
  return frames
}
