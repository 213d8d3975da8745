import { assertNever } from "../base/index.ts"
import { type Entry, parseTime } from "../event/index.ts"
import { type EntryField, entryFieldOf, kindOf } from "./fields.ts"
import { isInNetwork } from "./network.ts"
import type { FieldQuery, Place, Query, Test } from "./query.ts"
import { isInRange, isInSpan, numberOf, spanOf } from "./range.ts"
import { holdsWords, textsOf } from "./tokens.ts"

/**
 * Whether an entry fulfils the query: the truth, which mayMatch and every index only come near to.
 * The event's members may be of any type, and its depth is not bounded here.
 */
export function matches(query: Query, entry: Entry, place: Place): boolean {
  let texts: readonly string[] | undefined
  function holds(part: Query): boolean {
    switch (part.kind) {
      case "all":
        return true
      case "and":
        return part.parts.every(holds)
      case "or":
        return part.parts.some(holds)
      case "not":
        return !holds(part.part)
      case "words":
        texts ??= textsOf(entry.eventBytes)
        return texts.some((text) => holdsWords(text, part.words, part.begun))
      case "field":
        return holdsField(part, entry, place)
      default:
        return assertNever(part)
    }
  }
  return holds(query)
}

function holdsField({ path, test }: FieldQuery, entry: Entry, place: Place): boolean {
  const field = entryFieldOf(path)
  const fits = kindOf(path) === "instant" ? fitsInstant(test) : fitsValue(test)
  if (field === undefined) return someAt(entry.event, path, fits)
  return valuesOf(field, entry, place).some(fits)
}

function valuesOf(field: EntryField, { stamp, event }: Entry, place: Place): readonly unknown[] {
  switch (field) {
    case "writer":
      return place.writer === undefined ? [] : [place.writer]
    case "received":
      return [stamp.received]
    case "stream":
      return [stamp.open]
    case "index":
      return [place.index]
    case "actor":
      return namesOf(event.actor, false)
    case "target":
      return Array.isArray(event.targets)
        ? event.targets.flatMap((target) => namesOf(target, true))
        : []
    default:
      return assertNever(field)
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
 * Whether a value at the path fits. Arrays are transparent: each of their elements counts, and an
 * empty one has no value. Without recursion, since whoever wrote the log may have nested deeper
 * than a port would take.
 */
function someAt(
  event: unknown,
  path: readonly string[],
  fits: (value: unknown) => boolean,
): boolean {
  const open: { value: unknown; depth: number }[] = [{ value: event, depth: 0 }]
  for (;;) {
    const next = open.pop()
    if (next === undefined) return false
    const { value, depth } = next
    if (Array.isArray(value)) {
      for (const element of value) open.push({ value: element, depth })
    } else if (depth === path.length) {
      if (fits(value)) return true
    } else if (typeof value === "object" && value !== null) {
      const key = path[depth] as string
      if (Object.hasOwn(value, key)) {
        open.push({ value: (value as Record<string, unknown>)[key], depth: depth + 1 })
      }
    }
  }
}

function fitsValue(test: Test): (value: unknown) => boolean {
  switch (test.kind) {
    case "equals": {
      const { text } = test
      const number = numberOf(text)
      return (value) => {
        if (typeof value === "string") return value === text
        if (typeof value === "number") return value === number
        return (typeof value === "boolean" || value === null) && String(value) === text
      }
    }
    case "prefix": {
      const { text } = test
      return (value) => text === "" || (typeof value === "string" && value.startsWith(text))
    }
    case "range":
      return (value) => isInRange(test, value)
    case "network":
      return (value) => typeof value === "string" && isInNetwork(value, test.network)
    default:
      return assertNever(test)
  }
}

/** Of `received`, microseconds, and `time`, RFC 3339. Only a range or a presence is asked of them. */
function fitsInstant(test: Test): (value: unknown) => boolean {
  if (test.kind !== "range") return fitsValue(test)
  const span = spanOf(test)
  return (value) => {
    const instant = typeof value === "string" ? parseTime(value) : value
    return typeof instant === "number" && isInSpan(span, instant)
  }
}
