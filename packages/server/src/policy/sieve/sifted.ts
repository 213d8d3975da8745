import type { Done, KeptOut } from "./carrying-out.ts"

/** Why an event cannot be kept as the policy wants it. */
export type Refusal = "EVENT_DISCLOSURE" | "EVENT_TOO_LARGE"

/** What the sieve made of one event. */
export interface Sifted {
  /** The event with its `_policy` member, all other bytes as they came, in memory of its own. Undefined if nothing was changed, or it is refused. */
  readonly bytes: Uint8Array | undefined
  /** The event must not be kept in any form. */
  readonly refused: Refusal | undefined
  /** In the order of their places; all, though an entry names only so many. */
  readonly did: readonly Done[]
  /** Names of what was detected, each once. */
  readonly detected: readonly string[]
  readonly keptOut: readonly KeptOut[]
}

/** A value that an event names by its digest: the JSON bytes of its disclosure (docs/spec/disclosures.md). */
export interface ValueBeside {
  readonly digest: string
  readonly json: Uint8Array
}

export interface Beside {
  readonly values: readonly ValueBeside[]
  /** The digest of a disclosure's JSON bytes; megabytes of them. */
  digestOf(json: Uint8Array): string
}

export interface LargeSifted extends Sifted {
  /** Of the values that lay beside the log those that stay there, as they are to be kept; none if the event is refused. */
  readonly values: readonly ValueBeside[]
}

export const unchanged: Sifted = {
  bytes: undefined,
  refused: undefined,
  did: [],
  detected: [],
  keptOut: [],
}

export function refusedLarge(refused: Refusal): LargeSifted {
  return { ...unchanged, refused, values: [] }
}
