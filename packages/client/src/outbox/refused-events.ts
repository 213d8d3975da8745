import { PosternError } from "@postern/log/base"
import { splitRegion } from "@postern/log/wire"
import type { Delivered } from "../writer/index.ts"

/** An event that the port did not take, to be kept aside. */
export interface RefusedEvent {
  readonly code: string
  readonly hint: string
  readonly event: Uint8Array
}

export interface Refusals {
  readonly events: readonly RefusedEvent[]
  /** How many of them may be in the log all the same: the port refused some and no longer says which. */
  readonly untold: number
}

/** What of a batch has to be kept aside. That the policy keeps less than all of something is meant so. */
export function refusalsOf({ frame, region, refused, ack }: Delivered): Refusals {
  if (region === undefined || ack === undefined) return { events: [], untold: 0 }
  const told = new Map<number, { readonly code: string; readonly hint: string }>()
  for (const { positions, code, hint } of refused) {
    for (const position of positions) told.set(position, { code, hint })
  }
  const isUntold = ack.accepted + told.size < frame.count
  const { code, hint } = new PosternError("OUTBOX_UNTOLD")
  const events = splitRegion(region, frame.count).flatMap((event, position) => {
    const refusal = told.get(position) ?? (isUntold ? { code, hint } : undefined)
    if (refusal === undefined || refusal.code === "EVENT_NOT_KEPT") return []
    return [{ ...refusal, event }]
  })
  return { events, untold: isUntold ? frame.count - told.size : 0 }
}
