import { encodeUtf8, isPosternError } from "@postern/log/base"
import { type Entry, parseEntry } from "@postern/log/event"
import { matches, mayMatch, type Query } from "@postern/log/query"
import { isWithinHours } from "./hours.ts"
import { type Novelty, remember } from "./novelty.ts"
import type { Alert } from "./rules.ts"
import type { AlertsState } from "./state.ts"

/** An entry as it went by. */
export interface Observed {
  readonly index: number
  /** Milliseconds since the epoch, from the stamp. */
  readonly receivedMs: number
  /** Who opened its stream (SPIFFE ID); undefined for the port's own, or if not known. */
  readonly writer: string | undefined
  /** Whether the process that watches wrote it. */
  readonly own: boolean
  readonly leaf: Uint8Array
}

/** An entry that counts for an alert. */
export interface Hit {
  readonly key: string
  readonly weight: number
  /** It does not raise but clears. */
  readonly clears: boolean
}

const selfMark = encodeUtf8('"postern.')
const firstByte = selfMark[0] as number
const keyMax = 256
const openingActions: ReadonlySet<unknown> = new Set([
  "postern.stream.opened",
  "postern.stream.continued",
])

/** Entries are parsed if something may match, and once. */
export class Observation {
  readonly entry: Observed
  /** Whether an action of the log's own may stand in it. */
  readonly maySelf: boolean
  #parsed: Entry | "damaged" | undefined
  #novelty: Novelty | undefined

  constructor(entry: Observed) {
    this.entry = entry
    this.maySelf = includes(entry.leaf, selfMark)
  }

  /** Undefined if the entry is damaged: then it is nothing to any alert. */
  get parsed(): Entry | undefined {
    this.#parsed ??= parse(this.entry.leaf)
    return this.#parsed === "damaged" ? undefined : this.#parsed
  }

  get isOpening(): boolean {
    return this.maySelf && openingActions.has(this.parsed?.event.action)
  }

  holds(query: Query): boolean {
    const { leaf, index, writer } = this.entry
    if (!mayMatch(query, leaf)) return false
    const { parsed } = this
    return parsed !== undefined && matches(query, parsed, { index, writer })
  }

  /** What is new about the writer that opens a stream. */
  novelty(known: Map<string, string[]>): Novelty {
    this.#novelty ??= noveltyOf(this, known)
    return this.#novelty
  }
}

/** Takes in what is to be known of an entry of the past, and nothing else. */
export function learn(state: AlertsState, entry: Observed): void {
  const seen = new Observation(entry)
  if (seen.isOpening) seen.novelty(state.known)
}

/** What an entry is to an alert; undefined if nothing. */
export function hitOf(
  seen: Observation,
  alert: Alert,
  { known }: Pick<AlertsState, "known">,
): Hit | undefined {
  const { entry } = seen
  if (entry.own && !alert.ownEntries) return undefined
  if (alert.watch !== undefined) {
    if (alert.watch === "burst") {
      return entry.writer === undefined
        ? undefined
        : { key: entry.writer, weight: 1, clears: false }
    }
    if (!seen.maySelf) return undefined
  }
  const { query, until, novelty } = alert
  if (until !== undefined && seen.holds(until))
    return { key: keyOf(seen, alert), weight: 1, clears: true }
  if (!seen.holds(query)) return undefined
  if (novelty !== undefined && !seen.novelty(known)[novelty]) return undefined
  if (alert.hours !== undefined && isWithinHours(alert.hours, entry.receivedMs)) return undefined
  const weight = alert.weighs ? weightOf(seen.parsed) : 1
  return { key: keyOf(seen, alert), weight, clears: false }
}

/** What is known of writers is kept up whether an alert asks for it or not. */
export function observe(seen: Observation, state: AlertsState): void {
  if (seen.isOpening) seen.novelty(state.known)
}

/** What the log's own entries say of a writer is about that one. */
function keyOf({ entry, parsed }: Observation, { by }: Pick<Alert, "by">): string {
  if (by === undefined) return ""
  const { actor, data } = parsed?.event ?? {}
  const value = by === "actor" ? memberOf(actor, "id") : (entry.writer ?? memberOf(data, "writer"))
  return typeof value === "string" ? value.slice(0, keyMax) : ""
}

function weightOf(parsed: Entry | undefined): number {
  const count = memberOf(parsed?.event.data, "count")
  return Number.isSafeInteger(count) && (count as number) > 0 ? (count as number) : 1
}

function parse(leaf: Uint8Array): Entry | "damaged" {
  try {
    return parseEntry(leaf)
  } catch (error) {
    if (isPosternError(error)) return "damaged"
    throw error
  }
}

function noveltyOf({ isOpening, parsed }: Observation, known: Map<string, string[]>): Novelty {
  const event = parsed?.event ?? {}
  const writer = memberOf(event.data, "writer")
  const from = memberOf(event.data, "from")
  if (!isOpening || typeof writer !== "string" || typeof from !== "string")
    return { writer: false, address: false }
  return remember(known, writer.slice(0, keyMax), from)
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

function includes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  for (let at = bytes.indexOf(firstByte); at >= 0; at = bytes.indexOf(firstByte, at + 1)) {
    let length = 1
    while (length < wanted.length && bytes[at + length] === wanted[length]) length++
    if (length === wanted.length) return true
  }
  return false
}
