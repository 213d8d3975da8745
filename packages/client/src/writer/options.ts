import type { ErrorCode } from "@postern/log/base"

/** Something the application's operator should hear of; the application itself goes on. */
export interface Problem {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  /** Events it concerns, where that is known. */
  readonly events: number
}

export interface ConnectOptions {
  /** Wait for the port before connect() returns; otherwise events are spooled until it answers. Default false. */
  readonly wait?: boolean
  readonly spool?: SpoolOptions
  /** Told of everything that did not go as it should. Default: one line on standard error, a kind at most every ten seconds. */
  readonly onProblem?: (problem: Problem) => void
  /** Only for writers whose grant says `internal`: they may write `postern.` actions. */
  readonly mayUseSelfActions?: boolean
}

export interface SpoolOptions {
  /** Default: the profile's. */
  readonly directory?: string
  /** On disk; default 64 MiB, at least 2 MiB. */
  readonly bytesMax?: number
  /**
   * What happens to events when the spool is full: `dropOldest` gives up the oldest unsent ones and tells the log how
   * many (default), `block` keeps new ones in memory up to 16 MiB, `throw` makes audit() throw SPOOL_FULL.
   */
  readonly whenFull?: "dropOldest" | "block" | "throw"
  /** `process`: written, survives the end of the process (default). `disk`: synced before it is sent, survives power loss. */
  readonly durable?: "process" | "disk"
  /** Take all the space at the start, so that a full disk cannot stop the spool later. Default false. */
  readonly preallocate?: boolean
}

export const spoolDefaults = {
  bytesMax: 64 * 1024 * 1024,
  whenFull: "dropOldest",
  durable: "process",
  preallocate: false,
} as const
