import type { Adapter } from "../../access/index.ts"
import type { TypedId } from "./typed-ids.ts"

/** What every event has, whoever reads it. */
export interface Named {
  readonly writer: string
  readonly adapter: Adapter
  readonly source: string
  readonly action: string
  readonly outcome: string
}

export type SeenMember = "category" | "op" | "severity" | "tenant"

/** What an event's own members say; asked only if a rule needs it, and then possibly often. */
export interface Seen {
  /** Bytes of the event as it came. */
  readonly size: number
  /** Undefined if there is none, or it is no text. */
  text(member: SeenMember): string | undefined
  actor(): TypedId | undefined
  targets(): readonly TypedId[]
}
