/**
 * What a monitor raises. `critical`: what was shown is not what a log may show. `warning`: whether the log is right cannot be
 * known at the moment.
 */
export const alarmSeverity = {
  /** Two statements under the log's key that cannot both be true of one log. It is never taken back. */
  contradiction: "critical",
  /** The checkpoint is not signed by the log's key, or a witness's line on it is wrong. */
  "bad-signature": "critical",
  /** The proof that the log only grew does not lead to the signed roots. */
  "bad-proof": "critical",
  /** An older checkpoint than one that was shown before. */
  "rolled-back": "critical",
  /** What is served does not lead to the signed root. */
  "bad-tree": "critical",
  /** Nobody answers, or not in a way that says anything. */
  unreachable: "warning",
  /** There are entries that no checkpoint covers, for too long. */
  stale: "warning",
  /** The log has not grown for longer than somebody said that it may. */
  idle: "warning",
  /** The policy's quorum has not stood behind a checkpoint for too long. */
  unwitnessed: "warning",
  /** Entries were shown to this reader and are not any more: their leaf hashes cannot be derived. */
  hidden: "warning",
  /** Nothing is remembered: what the log was before cannot be held against it. */
  forgotten: "warning",
} as const

export type AlarmName = keyof typeof alarmSeverity
export type Severity = (typeof alarmSeverity)[AlarmName]

export const alarmNames = Object.keys(alarmSeverity) as AlarmName[]

/** An alarm that is on. */
export interface Raised {
  readonly alarm: AlarmName
  /** Milliseconds since 1970, by the monitor's clock. */
  readonly since: number
  /** Bounded; may hold text of the peer, never content of entries. */
  readonly detail: string
  /** Where the monitor kept what it was shown. */
  readonly evidence?: string
}

/** A change: an alarm goes on, or off. */
export interface AlarmChange extends Raised {
  readonly state: "raised" | "recovered"
  /** When it went on or off. */
  readonly at: number
}
