import type { Counts } from "./counts.ts"
import type { EventBuffer } from "./event-buffer.ts"
import type { Problem } from "./problem.ts"
import type { Spool } from "./spool.ts"

export interface AuditStatus {
  readonly connected: boolean
  /** Taken and neither acknowledged nor told to the port as lost. */
  readonly pendingEvents: number
  /** Their JSON, about. */
  readonly pendingBytes: number
  /** Acknowledged as durable by this process's connections; those that only showed at reconnection count too. */
  readonly acked: number
  /** Refused, here or by the port. */
  readonly refused: number
  /** Taken by the port, which keeps less than all of them by its policy: it says in the log how many. */
  readonly notKept: number
  /** Acknowledged, and kept otherwise than written: the port's policy hides or takes away some of their values. */
  readonly altered: number
  /** Given up because the spool was full or could not be read; the log says so too. */
  readonly dropped: number
  readonly lastProblem: Problem | undefined
  /**
   * How many events this spool was ever given, by this process and those before it, lost ones included. After a crash it goes on
   * from what the spool holds: so many of what was written before need not be written again.
   */
  readonly taken: number
  /** How many of these the spool holds, or held: they survive the process. */
  readonly spooled: number
  /** Room in the spool, in bytes: in all, and for how much more at least. */
  readonly spoolBytesMax: number
  readonly spoolBytesFree: number
}

/** What is known of a writer now. */
export function statusOf(
  spool: Spool,
  buffer: EventBuffer,
  { acked, refused, notKept, altered, dropped }: Counts,
  more: Pick<AuditStatus, "connected" | "lastProblem">,
): AuditStatus {
  const pendingBytes = buffer.heldBytes + spool.queue.bytes
  return {
    ...more,
    ...{ acked, refused, notKept, altered, dropped, pendingBytes },
    pendingEvents: buffer.position - spool.anchor.position,
    taken: buffer.position,
    spooled: spool.end,
    spoolBytesMax: spool.bytesMax,
    spoolBytesFree: Math.max(0, spool.freeBytes - buffer.heldBytes),
  }
}
