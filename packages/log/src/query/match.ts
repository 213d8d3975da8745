import type { Entry } from "../event/index.ts"
import type { Condition, Filter } from "./filter.ts"
import { contains } from "./needle.ts"
import { fits } from "./pattern.ts"

const backslash = 0x5c
const lineFeed = 0x0a
/** Length of `{"r":`, with which every stamp begins. */
const receivedAt = 5

/**
 * Whether an entry fulfils the filter. `writer`: who opened the entry's stream, undefined if not
 * known, which no condition on the writer fits. The event's members may be of any type; one of
 * another type than the field's fits nothing.
 */
export function matches(filter: Filter, entry: Entry, writer: string | undefined): boolean {
  const { received } = entry.stamp
  if (!isWithin(filter, received)) return false
  return filter.conditions.every((condition) => holds(condition, entry, writer))
}

/**
 * A cheap look at the leaf's bytes: false means that the entry cannot match, true that it must be
 * parsed. Relies on what the port guarantees of its entries (docs/spec/event.md: no escapes in id,
 * source, action, outcome). Does not judge the writer.
 */
export function mayMatch(filter: Filter, leaf: Uint8Array): boolean {
  if (filter.from !== undefined || filter.to !== undefined) {
    const received = readReceived(leaf)
    if (received !== undefined && !isWithin(filter, received)) return false
  }
  if (filter.conditions.length === 0) return true
  const eventAt = leaf.indexOf(lineFeed) + 1
  return filter.conditions.every((condition) => mayHold(condition, leaf, eventAt))
}

function isWithin({ from, to }: Filter, received: number): boolean {
  if (from !== undefined && received < from) return false
  return to === undefined || received < to
}

function mayHold({ field, needles }: Condition, leaf: Uint8Array, eventAt: number): boolean {
  if (field === "writer") return true
  if (needles.some((needle) => contains(leaf, needle, eventAt))) return true
  // Inside actor and targets JSON may write any letter as an escape; such an event must be parsed.
  const mayBeEscaped = field === "actor" || field === "target"
  return mayBeEscaped && leaf.indexOf(backslash, eventAt) >= 0
}

function holds(condition: Condition, entry: Entry, writer: string | undefined): boolean {
  const { field, patterns, needles } = condition
  if (field === "text") return needles.some((needle) => contains(entry.eventBytes, needle, 0))
  const values = valuesOf(field, entry, writer)
  return patterns.some((pattern) => values.some((value) => fits(pattern, value)))
}

function valuesOf(
  field: Exclude<Condition["field"], "text">,
  { event }: Entry,
  writer: string | undefined,
): readonly string[] {
  switch (field) {
    case "writer":
      return writer === undefined ? [] : [writer]
    case "actor":
      return namesOf(event.actor, false)
    case "target":
      return Array.isArray(event.targets)
        ? event.targets.flatMap((target) => namesOf(target, true))
        : []
    default: {
      const value = event[field]
      return typeof value === "string" ? [value] : []
    }
  }
}

/** What an actor or a target can be called: its id, type/id and, for a target, its type. */
function namesOf(party: unknown, withType: boolean): string[] {
  if (typeof party !== "object" || party === null) return []
  const { type, id } = party as Readonly<Record<string, unknown>>
  const names: string[] = []
  if (typeof id === "string") names.push(id)
  if (typeof type === "string" && withType) names.push(type)
  if (typeof type === "string" && typeof id === "string") names.push(`${type}/${id}`)
  return names
}

/**
 * The stamp's received time without parsing it; undefined for what is no stamp, which parseEntry
 * then refuses.
 */
function readReceived(leaf: Uint8Array): number | undefined {
  let value = 0
  for (let at = receivedAt; at < leaf.length; at++) {
    const digit = (leaf[at] as number) - 0x30
    if (digit < 0 || digit > 9) return at === receivedAt ? undefined : value
    value = value * 10 + digit
  }
  return undefined
}
