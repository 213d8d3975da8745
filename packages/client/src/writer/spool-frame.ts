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

export const noParts: readonly Part[] = []

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
  const gone = {
    place: undefined,
    parts: noParts,
    regionBytes: 0,
    region: undefined,
    digest: undefined,
  }
  return { kind: "gap", position, count: end - position, reason, ...gone }
}

/** Whether it is such a gap, for this reason. */
export function isGivenUp(frame: SpoolFrame | undefined, reason: string): frame is SpoolFrame {
  return frame?.reason === reason && frame.place === undefined
}
