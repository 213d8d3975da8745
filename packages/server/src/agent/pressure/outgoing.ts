/** Events that were lost here, to be said in the log at this place. */
export interface Loss {
  /** 1 if the number is not known. */
  readonly lost: number
  readonly reason: string
}

/** An event v1 as bytes, or the loss of some. */
export type Outgoing = Uint8Array | Loss

export function isLoss(one: Outgoing): one is Loss {
  return !(one instanceof Uint8Array)
}

/** Positions that they take in the spool. */
export function countOf(items: readonly Outgoing[]): number {
  let count = 0
  for (const one of items) count += isLoss(one) ? one.lost : 1
  return count
}

export function bytesOf(one: Outgoing): number {
  return isLoss(one) ? one.reason.length : one.length
}
