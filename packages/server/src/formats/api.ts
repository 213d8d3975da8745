import type { JsonObject, Outcome } from "@postern/log/event"

/** What records of one kind of source look like, and what they become. */
export interface Format {
  /** As in `data.format`: a-z, 0-9 and `-`. */
  readonly name: string
  /** What it is, in one line for people. */
  readonly title: string
  /** Whether a record is one JSON object, or any other line of text. */
  readonly of: "lines" | "json"
  /** By what a record of it is known, in one line for people. */
  readonly recognisedBy: string
  open(world: FormatWorld): Decoder
}

export interface FormatWorld {
  /** Milliseconds since 1970. Asked only for years that RFC 3164 leaves out. */
  nowMs(): number
}

/** Reads the records of one source, in their order. */
export interface Decoder {
  /**
   * One record, hostile, without its line end. Never throws for what stands in it. What is given may hold views of
   * `record`: use it before the memory is used again. What the decoder keeps for later it has copied.
   */
  take(record: Uint8Array, give: Give): void
  /** Gives what was begun as it is: the source has been idle, or has ended. The decoder can go on afterwards. */
  end(give: Give): void
}

export type Give = (event: ForeignEvent) => void

/** A foreign record as one event v1, and the record itself. */
export interface ForeignEvent {
  readonly members: ForeignMembers
  /** Name of the format that read it. */
  readonly format: string
  /** The record's bytes as they came; of several records, all of them with LF between. */
  readonly original: Uint8Array
  /** The original is one JSON object that can stand verbatim under `data`: syntax, UTF-8 and depth have been checked. */
  readonly isJson: boolean
  /** The original is an event v1 itself: it goes on as it is, and gets only what it lacks of id, time, source and outcome. */
  readonly isEvent?: true
}

/** What a format knows of a record. Texts are bounded (`clipText`), so that the event without its original stays small. */
export interface ForeignMembers {
  readonly id?: string
  /** RFC 3339 as parseTime() takes it. */
  readonly time?: string
  /** As actionOf() makes it. */
  readonly action: string
  readonly outcome: Outcome
  readonly actor: Party
  readonly targets: readonly Party[]
  readonly category?: string
  readonly op?: string
  readonly severity?: string
  readonly reason?: JsonObject
  readonly origin?: JsonObject
  readonly trace?: JsonObject
  readonly onBehalfOf?: readonly Party[]
  readonly changes?: readonly unknown[]
  /** What has no member in event v1. Never `format`, `line`, `bytes` or the name of a format whose original is JSON. */
  readonly data?: JsonObject
}

export interface Party {
  readonly type: string
  readonly id: string
  readonly [detail: string]: unknown
}
