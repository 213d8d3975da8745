/** Why something is missing, or may be. */
export type LossKind =
  /** The writer says that it lost events, and how many. */
  | "gap"
  /** The port refused events by name. */
  | "refused"
  /** Whole requests or connections; whether the sender came again is its affair. */
  | "turned away"
  /** Two contents for one sequence number. */
  | "equivocation"
  /** Entries of the port's own. */
  | "port"
  /** A writer that is expected to speak did not. */
  | "silent"
  /** A stream that nobody ended. */
  | "unfinished"
  /** A connection without acknowledgements that was cut. */
  | "cut"

export interface Loss {
  readonly kind: LossKind
  /** SPIFFE ID; "unknown" for senders that showed no certificate of ours. */
  readonly writer: string
  readonly stream?: string | undefined
  /** Half-open ranges of sequence numbers, as far as they are known. */
  readonly sequences?: readonly (readonly [number, number])[]
  /** RFC 3339: when it was first and last seen; undefined end: it goes on. */
  readonly start: string
  readonly end: string | undefined
  /** Events; undefined: nobody can know. */
  readonly count: number | undefined
  readonly cause: string
  readonly remedy: string
  /** Index of the entry that says so. */
  readonly index: number
}

export type SenderClass = "postern" | "http" | "kubernetes" | "syslog"

/** What one of the port's own entries says. */
export interface Facts {
  readonly index: number
  readonly received: string
  readonly action: string
  readonly data: Readonly<Record<string, unknown>>
  readonly writer: string
}
