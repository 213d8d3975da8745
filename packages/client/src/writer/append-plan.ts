import { noTag, type RecordHeader, recordBytes, recordPieces } from "./record.ts"
import type { Segment } from "./segment.ts"
import { endOf, noParts, type Part, type SpoolFrame } from "./spool-frame.ts"

/** A frame that is about to be recorded. */
export interface NewFrame {
  readonly kind: "batch" | "gap"
  readonly count: number
  /** A batch's region; of a gap, its reason. */
  readonly region: Buffer
  /** The disclosures that the events name: bodies of DISCLOSURE frames, in order. */
  readonly parts?: readonly Buffer[]
}

/** What to write at the segment's end, and what stands there then. */
export interface AppendPlan {
  readonly segment: Segment
  /** What to write there, one behind the other. */
  readonly pieces: readonly Buffer[]
  readonly bytes: number
  readonly records: number
  /** Frames that are recorded whole then. */
  readonly added: readonly SpoolFrame[]
  /** Parts of the frame behind them that are recorded then, here or before. */
  readonly begun: readonly Part[]
}

/** The record that has to be written first: behind the parts that are. */
export function firstRegion(frame: NewFrame, begun: readonly Part[]): Buffer {
  return frame.parts?.[begun.length] ?? frame.region
}

/**
 * As many records as go into the segment, of the first frames. Changes nothing: the same plan may be made twice.
 * @param position of the first frame
 * @param begun its parts that are recorded
 */
export function planAppend(
  frames: readonly NewFrame[],
  segment: Segment,
  position: number,
  begun: readonly Part[],
): AppendPlan {
  const pieces: Buffer[] = []
  const added: SpoolFrame[] = []
  let end = segment.end
  let parts = [...begun]
  let records = 0
  const goesIn = (header: Omit<RecordHeader, "regionBytes">, region: Buffer): boolean => {
    if (end + recordBytes(region.length) > segment.capacity) return false
    pieces.push(...recordPieces(header, region))
    records += 1
    end += recordBytes(region.length)
    return true
  }
  for (const frame of frames) {
    const { kind, count, region, parts: bodies = [] } = frame
    const before = added.at(-1)
    const begin = before === undefined ? position : endOf(before)
    const common = { position: begin, tag: bodies[0]?.toString("hex", 0, 8) ?? noTag }
    for (const body of bodies.slice(parts.length)) {
      const offset = end
      if (!goesIn({ ...common, kind: "part", count: 0, parts: parts.length }, body)) break
      parts.push({ segment, offset, regionBytes: body.length })
    }
    const place = { segment, offset: end }
    if (parts.length < bodies.length) break
    if (!goesIn({ ...common, kind, count, parts: parts.length }, region)) break
    const reason = kind === "gap" ? region.toString() : undefined
    const regionBytes = region.length
    added.push({
      ...{ kind, position: begin, count, place, reason, regionBytes },
      parts: parts.length === 0 ? noParts : parts,
      ...{ region, digest: undefined },
    })
    parts = []
  }
  return { segment, pieces, bytes: end - segment.end, records, added, begun: parts }
}
