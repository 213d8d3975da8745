import type { FoldHashes } from "@postern/log/tlog"
import type { Checkpoints } from "./checkpoint.ts"
import type { Openings } from "./entry.ts"
import type { Ledger } from "./ledger.ts"
import type { Mirrors } from "./mirrors.ts"
import type { ReadCounters, ReadWorld } from "./world.ts"

/** What all handlers of one read API work with. */
export interface Desk {
  readonly world: ReadWorld
  readonly checkpoints: Checkpoints
  readonly openings: Openings
  readonly ledger: Ledger
  readonly fold: FoldHashes
  readonly mirrors: Mirrors
  readonly counters: ReadCounters
}
