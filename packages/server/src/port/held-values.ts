import { encodeUtf8, isPosternError } from "@postern/log/base"
import { DigestPlaces, discloseEvent, type Entry } from "@postern/log/event"
import { matches, parseQuery } from "@postern/log/query"
import type { DisclosureSource } from "../disclosures/index.ts"
import type { LogView } from "../disk/index.ts"
import type { Hold } from "../retention/index.ts"
import { type EntryAt, entriesAt } from "./entries-at.ts"

/** A hold that an entry fulfils. */
export interface Held {
  readonly hold: string
  readonly query: string
  readonly reason: string
  /** The first entry that it keeps. */
  readonly entry: number
}

/**
 * Which holds keep one of these entries, as they stand in the log or as they read with the values that were kept out of them: who held
 * what somebody did meant the person, not the pseudonym. @param indexes ascending. Errors: READ_FAILED, LOG_DAMAGED.
 */
export async function heldBy(
  holds: readonly Hold[],
  indexes: readonly number[],
  view: LogView,
  source: DisclosureSource,
): Promise<Held[]> {
  if (holds.length === 0) return []
  const left = new Map(holds.map((hold) => [hold, parseQuery(hold.query)]))
  const held: Held[] = []
  const writerOf = openWriters(view)
  for await (const found of entriesAt(view, indexes)) {
    const { index, entry } = found
    const place = { index, writer: await writerOf(entry.stamp.open) }
    const forms = [entry, await disclosed(found, source)]
    for (const [hold, query] of left) {
      if (!forms.some((form) => matches(query, form, place))) continue
      left.delete(hold)
      held.push({ hold: hold.id, query: hold.query, reason: hold.reason, entry: index })
    }
    if (left.size === 0) break
  }
  return held
}

/** The writer of a stream stands in the entry that opened it. */
function openWriters(view: LogView): (open: number) => Promise<string | undefined> {
  const known = new Map<number, string | undefined>()
  return async (open) => {
    if (known.has(open)) return known.get(open)
    let writer: string | undefined
    for await (const { entry } of entriesAt(view, [open])) {
      const { data } = entry.event
      const { writer: named } = Object(data) as Readonly<Record<string, unknown>>
      if (typeof named === "string") writer = named
    }
    known.set(open, writer)
    return writer
  }
}

/** The entry with all values that can be had, and names where pseudonyms stand. */
async function disclosed({ index, entry }: EntryAt, source: DisclosureSource): Promise<Entry> {
  const places = new DigestPlaces(entry.event)
  const values: Uint8Array[] = []
  const asked = new Set<string>()
  const next = (): string | undefined => places.digests.find((digest) => !asked.has(digest))
  for (let digest = next(); digest !== undefined; digest = next()) {
    asked.add(digest)
    const found = await source.read(digest, index)
    if (found.state === "held" && isTaken(places, found.json)) values.push(found.json)
  }
  const event = named(discloseEvent(entry.event, values)) as Entry["event"]
  return { ...entry, event, eventBytes: encodeUtf8(JSON.stringify(event)) }
}

function isTaken(places: DigestPlaces, json: Uint8Array): boolean {
  try {
    places.take(json)
    return true
  } catch (error) {
    if (!isPosternError(error)) throw error
    return false // A writer made it, and it makes no sense in its entry.
  }
}

/** With `idClear` where `id` stood. Events are at most 32 deep. */
function named(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(named)
  if (typeof value !== "object" || value === null) return value
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, named(one)]))
  return "idClear" in inner ? { ...inner, id: inner.idClear } : inner
}
