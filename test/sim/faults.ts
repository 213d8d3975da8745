import type { Decisions } from "../crash/decisions.ts"

/** What a disk is asked to do, as far as it may refuse it. */
export type Operation =
  | "open"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "rename"
  | "remove"
  | "make-directory"
  | "sync-directory"
  | "list"

/** What goes wrong in one life of the port, decided before it begins; operations are counted from its start. */
export interface LifeFaults {
  /** At this operation everything stands still. */
  readonly crashAt: number
  /** At this one, or at the first after it that can fail so, the medium gives up once. */
  readonly errorAt: number
  /** Within these operations there is no room. */
  readonly fullFrom: number
  readonly fullTo: number
  /** Whether even what stands there already needs room to be written again (copy on write). */
  readonly copiesOnWrite: boolean
  /** Whether syncs are confirmed and not done: nothing can survive on such a disk, so it shows what is found out. */
  readonly lies: boolean
  /** Which kind of file system: takes no direct I/O, refuses the first direct write, or neither. */
  readonly direct: "taken" | "refused" | "refused-later"
}

export const noFaults: LifeFaults = {
  crashAt: Number.POSITIVE_INFINITY,
  errorAt: Number.POSITIVE_INFINITY,
  fullFrom: Number.POSITIVE_INFINITY,
  fullTo: Number.POSITIVE_INFINITY,
  copiesOnWrite: false,
  lies: false,
  direct: "taken",
}

/** @param operations about as many as a life has */
export function drawFaults(decisions: Decisions, operations: number): LifeFaults {
  const never = Number.POSITIVE_INFINITY
  // Half of the moments are early ones: recovery is part of a life.
  const some = (): number => {
    return decisions.between(1, decisions.chance(0.3) ? 60 : operations)
  }
  const full = decisions.chance(0.15) ? some() : never
  return {
    crashAt: decisions.chance(0.7) ? some() : never,
    errorAt: decisions.chance(0.2) ? some() : never,
    fullFrom: full,
    fullTo: full + decisions.between(1, 30),
    copiesOnWrite: decisions.chance(0.3),
    lies: false,
    direct: decisions.pick(["taken", "taken", "refused", "refused-later"] as const),
  }
}
