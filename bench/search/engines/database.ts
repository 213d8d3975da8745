import type { AuditEvent } from "../audit-events.ts"
import type { Engine } from "../measured.ts"

/** A database of others that holds the same events, for comparison. */
export interface Database extends Engine {
  load(events: readonly AuditEvent[]): Promise<void>
  /** Makes what is made in one go (indexes, statistics) and brings everything to disk. */
  finish(): Promise<void>
  /** CPU that processes of its own have used; what runs in ours is not in it. */
  serverCpuSeconds(): number
  /** Most memory that processes of its own have had, MiB; undefined if it runs in ours. */
  serverRssMb(): number | undefined
}

export interface DatabaseKind {
  readonly name: string
  /** Said in the table. */
  readonly holds: string
  /** Why it cannot be measured here, if so. */
  missing(): Promise<string | undefined>
  /** Opens it in a directory of its own; what it needs is made if the directory is empty. */
  open(directory: string): Promise<Database>
}
