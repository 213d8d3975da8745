import { endOf, type SpoolFrame } from "./frame-queue.ts"
import { type RecordKind, recordBytes, recordHeaderBytes, writeRecord } from "./record.ts"
import type { Segment } from "./segment.ts"

/** A frame that is about to be recorded. */
export interface NewFrame {
  readonly kind: RecordKind
  readonly count: number
  /** A batch's region; of a gap, its reason. */
  readonly region: Buffer
}

/** What to write at the segment's end, and the frames that stand there then. */
export interface AppendPlan {
  readonly segment: Segment
  readonly bytes: Buffer
  readonly added: readonly SpoolFrame[]
}

/** As many of the frames as go into the segment, from the first one on. Changes nothing: the same plan may be made twice. */
export function planAppend(
  frames: readonly NewFrame[],
  segment: Segment,
  position: number,
): AppendPlan {
  let size = 0
  const fitting = frames.filter(({ region }) => {
    size += recordBytes(region.length)
    return segment.end + size <= segment.capacity
  })
  const bytes = Buffer.allocUnsafe(
    fitting.reduce((sum, { region }) => sum + recordBytes(region.length), 0),
  )
  const added: SpoolFrame[] = []
  let at = 0
  for (const { kind, count, region } of fitting) {
    const before = added.at(-1)
    const begin = before === undefined ? position : endOf(before)
    const offset = segment.end + at
    const regionAt = at + recordHeaderBytes
    at = writeRecord(bytes, at, { kind, position: begin, count }, region)
    added.push({
      ...{ kind, position: begin, count, place: { segment, offset } },
      reason: kind === "gap" ? region.toString() : undefined,
      regionBytes: region.length,
      region: bytes.subarray(regionAt, regionAt + region.length),
      digest: undefined,
    })
  }
  return { segment, bytes, added }
}
