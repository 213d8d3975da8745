import type { PosternError } from "@postern/log/base"
import type { Core } from "@postern/log/core"
import type { Changed, KeptOut } from "@postern/log/event"

/**
 * A way in for bodies that are not postern/1 batches. Works inside the core's memory: reads the
 * body at `[at, end)`, writes BATCH event regions (`u32be length | event`, repeated) elsewhere.
 */
export interface Adapter {
  readonly name: "http" | "kubernetes" | "otlp" | "cloudevents" | "records" | "teleport"
  /** Of its requests. */
  readonly path: string | RegExp
  /** The status on which its senders send a body again, whatever the reason; without, each reason has its own. */
  readonly retryStatus?: 503
  /** In which words its senders are answered; without, in those of docs/reference/write-http.md. */
  readonly answers?: (contentType: string) => Answers
  /**
   * What it writes may be many times as long as its body, or take long to be made: regions are made one at a time when there is room for
   * them, and others have their turn between.
   */
  readonly isLong?: true
  /**
   * Checks the body as a whole: its kind and its outline, not the events in it. Nothing is written
   * before. Errors: HTTP_CONTENT_TYPE, HTTP_BODY_SYNTAX.
   */
  open(body: AdapterBody): AdapterRun
}

/** How one kind of sender is answered. */
export interface Answers {
  readonly type: string
  /** To a body of which at least one event is in the log, or that has none. */
  taken(result: TakenResult): Uint8Array
  /** To a body of which nothing is. */
  refused(error: PosternError): Uint8Array
}

export interface TakenResult {
  readonly refused: readonly { readonly code: string; readonly message: string }[]
}

export interface AdapterBody {
  readonly core: Core
  /** The body, hostile. It must stay as it is until the run is finished; 64 bytes behind it too. */
  readonly at: number
  readonly end: number
  /** The header's value as it came. */
  readonly contentType: string
  /** Of the request, without what follows a question mark. */
  readonly path: string
  /** Of the request; names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Scratch for core.members, at a multiple of 4. Its content matters only within a call. */
  readonly spans: number
  /** At least 1,024. Bodies with more events than this are taken too, more slowly. */
  readonly spansMax: number
  /** Default source of this writer: 1 to 256 bytes, nothing in it that JSON escapes. */
  readonly source: string
  /** The source that a part of this writer's would have, if its grant leaves room for one; else its default source. */
  sourceOf(name: string): string
  /** Default time: RFC 3339. */
  readonly now: string
  /** Longest item in bytes that this writer may send. */
  readonly itemBytesMax: number
  /** A value that does not stay in the event, out of the item that it came in. `name` is its member. */
  keepOut(item: Uint8Array, name: string, value: Uint8Array): KeptOut
  /** A new event id: 1 to 128 printable ASCII characters, no quote, no backslash. */
  id(): string
}

export interface AdapterRun {
  /**
   * Writes the next region from `to`, never beyond `limit`, at most `eventsMax` (at least 1)
   * events; undefined at the end. Count 0 means that the next event does not fit between `to` and
   * `limit`; `regionBytesMin` bytes always suffice for one.
   */
  next(to: number, limit: number, eventsMax: number): AdapterRegion | undefined
}

/** Bytes in which any one event fits: its length field and 65,535 bytes. */
export const regionBytesMin = 4 + 65_535

export interface AdapterRegion {
  /** Events in the region. */
  readonly count: number
  /** End of the region. */
  readonly end: number
  /** The stamp's `c` of all events of the region that the scanner accepts (docs/spec/log.md). */
  readonly changed: Changed
  /** Of each event from which values were kept out (`changed` 3): its position, and the values. */
  readonly keptOut: readonly { readonly position: number; readonly values: readonly KeptOut[] }[]
  /**
   * Positions of events that exceed an entry, also without what can be kept out, or their writer's grant. In their place stands `{}`, which the
   * scanner refuses; the caller gives those rows the verdict `tooLarge` after the scan.
   */
  readonly tooLarge: readonly number[]
}
