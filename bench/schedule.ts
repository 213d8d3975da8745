/**
 * When a connection sends. Asked before each batch; the answer is the time from which the batch's acknowledgement is
 * timed, undefined if none is due now.
 */
export interface Schedule {
  due(now: number): number | undefined
}

/** As much as is taken: timed from sending. */
export const asFast: Schedule = { due: (now) => now }

/**
 * At fixed intervals from `start` on, whatever comes back: a batch that had to wait for its turn is timed from when it
 * was due, so a server that stops for a moment is charged for everybody who would have come in that moment.
 */
export function atIntervals(start: number, intervalMs: number): Schedule {
  let number = 0
  return {
    due(now) {
      const at = start + number * intervalMs
      if (at > now) return undefined
      number += 1
      return at
    },
  }
}

/** So many batches over all who share the schedule. */
export function limited(batches: number): Schedule {
  let left = batches
  return { due: (now) => (left-- > 0 ? now : undefined) }
}
