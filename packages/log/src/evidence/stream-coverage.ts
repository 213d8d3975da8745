import type { HeldEntry } from "./evidence-draft.ts"
import type { Opening, Openings } from "./evidence-senders.ts"
import { demandEvidence } from "./finding.ts"

export interface StreamClaim {
  readonly open: number
  /** Sequences `[first, next)`. */
  readonly first: number
  readonly next: number
}

/** Sequences `[from, to)`. */
type Run = readonly [from: number, to: number]

/**
 * Checks that each sequence of the claim is a leaf of the stream, or is recorded by the port as a gap or as refused.
 * Gives the opening of the stream.
 * @throws EvidenceFault
 */
export function checkStreamCoverage(
  claim: StreamClaim,
  entries: readonly HeldEntry[],
  openings: Openings,
): Opening {
  const { open, first, next } = claim
  const opening = openings.find(open)
  const where = `stream of entry ${open}`
  demandEvidence(opening !== undefined, "stream", where, "its opening entry is not in the file")
  demandEvidence(first <= next, "claim", where, `it ends at ${next}, before it begins`)
  const runs: Run[] = []
  let last = -1
  for (const entry of entries) {
    if (!entry.isLeaf) continue
    if (entry.open === open) {
      const { index, sequence } = entry
      const what = `sequence ${sequence} after ${last}`
      demandEvidence(sequence > last, "stream", `entry ${index}`, what)
      last = sequence
      runs.push([sequence, sequence + 1])
    } else if (entry.own !== undefined && entry.index > open && openings.isPortsOwn(entry)) {
      runs.push(...recordedRuns(entry, opening))
    }
  }
  const missing = firstMissing(runs, first, next)
  const what = `sequence ${missing} is no leaf, no gap and not refused`
  demandEvidence(missing === undefined, "stream", where, what)
  return opening
}

/** What an entry of the port says is not there. */
function recordedRuns({ own, open }: HeldEntry, opening: Opening): Run[] {
  const { action = "", data = {} } = own ?? {}
  if (action === "postern.stream.gap" && data.open === opening.index) {
    const { sequence, count } = data
    return isNumber(sequence) && isNumber(count) ? [[sequence, sequence + count]] : []
  }
  const { stream, writer, sequences } = data
  const isRefusal = action === "postern.refused" && Array.isArray(sequences)
  if (!isRefusal || stream !== opening.stream || writer !== opening.writer) return []
  // The streams that the port numbers itself have the same name in each of its lives.
  if (!opening.framed && open !== opening.life) return []
  return sequences.filter(isRun)
}

function isRun(value: unknown): value is Run {
  return Array.isArray(value) && value.length === 2 && value.every(isNumber)
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}

function firstMissing(runs: Run[], first: number, next: number): number | undefined {
  let covered = first
  for (const [from, to] of runs.sort(([a], [b]) => a - b)) {
    if (from > covered) break
    covered = Math.max(covered, to)
  }
  return covered < next ? covered : undefined
}
