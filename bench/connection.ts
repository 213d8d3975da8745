import type { ConnectionOptions } from "node:tls"
import type { Schedule } from "./schedule.ts"

/** One connection of the generator. */
export interface Connection {
  /** Resolves when batches can be sent. */
  open(): Promise<void>
  /** From now on it sends what is due, as far as credit and window allow, and looks again after each answer. */
  start(schedule: Schedule): void
  /** Looks now. */
  pump(): void
}

export interface ConnectionWorld {
  /** From 0. */
  readonly number: number
  readonly tls: ConnectionOptions
  /** A batch is durable, this many milliseconds after it was due. */
  acked(ms: number): void
  /** The run means nothing any more. */
  fail(error: unknown): void
}
