import type { Outgoing } from "./pressure/index.ts"

/** What a source says of itself. */
export interface SourceWord {
  readonly state: "reading" | "full" | "failing" | "over"
  readonly problem?: string | undefined
  /** Bytes that are there and were not read; absent where nobody can know. */
  readonly lagBytes?: number
  readonly files?: readonly {
    readonly path: string
    readonly read: number
    readonly size: number
  }[]
  readonly connections?: number
  /** Where it listens. */
  readonly places?: readonly string[]
}

/** A way in. */
export interface Source {
  /** Errors: ADDRESS_IN_USE and the like; those of the file system. */
  start(): Promise<void>
  word(): SourceWord
  /** Takes nothing more, and hands on what it has; does not wait for the port. */
  stop(): Promise<void>
  /** Resolves if nothing can ever come again. */
  readonly over: Promise<void>
}

/** Where a source hands on what it has: a spool. */
export interface WayOut {
  /** Events that do not say their source have this one. */
  readonly source: string
  /** Events that were ever put, losses counted, and how many of them the spool has not written yet. */
  readonly taken: number
  readonly unwritten: number
  /** There was no room at the last attempt. */
  readonly isFull: boolean
  /** Hands on as many as there is room for; gives how many of them, counted from `from`. */
  put(items: readonly Outgoing[], from?: number): number
  /** What the agent itself has to say just now. */
  notices(): Uint8Array[]
  /** Everything so far is on stable storage. Errors: SPOOL_FULL, SPOOL_DAMAGED. */
  spooled(): Promise<void>
}
