import type { WitnessWord } from "./asking.ts"

/** When a witness is asked again. */
export interface Pace {
  /** Size of the checkpoint that it cosigned last, for this process. */
  readonly cosigned: number
  /** Not before, in milliseconds of a clock that never goes back. */
  readonly notBefore: number
  /** Until then nothing has to be asked, unless there is a larger checkpoint. */
  readonly refreshAt: number
  /** Failures in a row. */
  readonly failures: number
}

/** A quiet log's cosignatures are renewed, so that their age says how old the knowledge is. */
const refreshMs = 30_000
const backoffMsMin = 1_000
const backoffMsMax = 30_000

export function newPace(): Pace {
  return { cosigned: -1, notBefore: 0, refreshAt: 0, failures: 0 }
}

/** @param newest size of the published checkpoint, or -1 */
export function isDue(pace: Pace, newest: number, now: number): boolean {
  if (now < pace.notBefore) return false
  return now >= pace.refreshAt || newest > pace.cosigned
}

/** Whoever fails is asked less and less often, up to twice a minute. */
export function afterWord(pace: Pace, word: WitnessWord, now: number): Pace {
  if (word.outcome === "cosigned") {
    return { cosigned: word.size, notBefore: now, refreshAt: now + refreshMs, failures: 0 }
  }
  const failures = pace.failures + 1
  const waitMs = Math.min(backoffMsMin * 2 ** (failures - 1), backoffMsMax)
  return { ...pace, notBefore: now + waitMs, refreshAt: now + waitMs, failures }
}
