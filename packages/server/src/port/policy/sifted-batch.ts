import type { Changed } from "@postern/log/event"
import type { Adapter } from "../../policy/rules/index.ts"
import type { Beside, LargeSifted, Sifted } from "../../policy/sieve/index.ts"

/** Rows in the core's memory that were examined. */
export interface BatchToSift {
  readonly count: number
  readonly writer: string
  readonly adapter: Adapter
  /** The stamp's `c` of events that the policy leaves alone. */
  readonly changed: Changed
  /** Of rows that name values beside the log: what was made of them before. */
  readonly large?: ReadonlyMap<number, Sifted>
}

/** Sifts an event with its values, which lie beside the log; as Sieve.siftLarge. */
export type LargeEvent = (beside: Beside) => Generator<void, LargeSifted>

/** Something that is kept less than it came, or not at all. */
export interface KeptLess {
  readonly rule: string
  /** Of the policy. */
  readonly digest: string
  /** `dropped` `sampled` `deduplicated`: not kept; else what was done. */
  readonly did: string
  /** The row's number in the batch. */
  readonly position: number
  /** Bytes that it is shorter by, in one of the things that were done with it; below 0 if it is longer. */
  readonly saved: number
  /** With `detected`: what, by name. */
  readonly found: readonly string[]
}

/** What came of a batch. */
export interface Placed {
  readonly less: readonly KeptLess[]
  readonly altered: readonly AlteredRow[]
  readonly sealed: readonly SealedValue[]
}

/** An event that is kept otherwise than it came. */
export interface AlteredRow {
  readonly position: number
  readonly changed: 4 | 5 | 6 | 7
  /** As it is kept; a view of the core's memory until the next batch. */
  readonly event: Uint8Array
}

/** A value that left an event, and the entry that it belongs to. */
export interface SealedValue {
  readonly index: number
  readonly under: Sifted["keptOut"][number]["under"]
  readonly digest: string
  readonly json: Uint8Array
}
