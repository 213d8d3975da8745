import type { BatchOwner } from "./session/index.ts"

/** Who is told when a batch of a slot is durable; nobody for the port's own entries. */
export type SlotOwner = BatchOwner | undefined
