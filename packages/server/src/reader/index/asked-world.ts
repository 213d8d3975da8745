import type { LogView } from "../../disk/index.ts"
import type { HashKey } from "./keyed-hash.ts"
import type { LogRows } from "./log-rows.ts"
import type { Part } from "./part.ts"
import type { PartSet } from "./part-set.ts"
import type { Rota } from "./turns.ts"
import type { Writers } from "./writers.ts"

/** What an answer is made from. */
export interface AskedWorld {
  readonly view: LogView
  readonly key: HashKey
  readonly parts: PartSet
  readonly rows: LogRows
  readonly writers: Writers
  /** Index of the first entry of the log segment in which a part lies. */
  segmentOf(part: Part): number
  /** Milliseconds of a clock that never goes back. */
  elapsedMs(): number
  /** Who goes on next of those that are answered at the same time. */
  readonly rota: Rota
  /** A part turned out not to be what it says. */
  onDamaged(part: Part, reason: string): void
}
