/** How far the port's clock is ahead of a witness's, in milliseconds: one answer tells a range, no more. */
export interface Ahead {
  readonly fromMs: number
  readonly toMs: number
}

/** A range that is wider and holds 0, as of a cosignature that was renewed while the log is quiet, tells nothing. */
const widthMsMax = 5000

/**
 * A cosignature is made after its checkpoint was signed here and before the answer is heard, and
 * names a whole second. Undefined if that tells nothing.
 * @param publishedMs of the checkpoint, by the port's clock
 * @param heardMs of the answer, by the port's clock
 * @param time of the cosignature, seconds
 */
export function aheadOf(publishedMs: number, heardMs: number, time: number): Ahead | undefined {
  const fromMs = publishedMs - 1000 * (time + 1)
  const toMs = heardMs - 1000 * time
  // The port's clock was set back in between.
  if (fromMs > toMs) return undefined
  const isWide = toMs - fromMs > widthMsMax && fromMs <= 0 && toMs >= 0
  return isWide ? undefined : { fromMs, toMs }
}
