import { isPosternError, limits } from "@postern/log/base"
import { completeEvent, type EventInput, type JsonObject } from "@postern/log/event"
import type { ForeignEvent, ForeignMembers } from "./api.ts"
import { unknownActor, unreadable } from "./members.ts"
import type { BuiltFormat } from "./pieces.ts"
import { endOfString, isObject, parseObject, readText, saidTwice } from "./record.ts"

const members: ForeignMembers = {
  action: "json.record",
  outcome: "unknown",
  actor: unknownActor,
  targets: [],
}

/** Any JSON object. One that is an event v1 goes on as it is; of any other nothing is read, so nothing is guessed. */
export const json: BuiltFormat = {
  name: "json",
  title: "any JSON object, an object a line; events v1 as they are",
  of: "json",
  recognisedBy: "a JSON object that no other format knows",
  open: () => ({
    take: (original, give) => give(readJson(original)),
    end: () => undefined,
  }),
  read: () => ({
    // Within another record it can only be an event whose members are taken over.
    take(piece, give) {
      const value = piece.value ?? parseObject(piece.text)
      if (value === undefined || !isEventV1(value, piece.text)) return false
      const members = picked(value)
      if (JSON.stringify(members).length > carriedUnitsMax) return false
      give({ outcome: "unknown", ...members } as ForeignMembers, [piece])
      return true
    },
    end: () => undefined,
  }),
}

/** Taken over they stand beside the record, and of some of them nothing can be kept out of an entry. */
const carriedUnitsMax = 16_384
const carriedKeys = [
  ...["id", "time", "action", "outcome", "actor", "targets", "category", "op", "severity"],
  ...["reason", "origin", "trace", "onBehalfOf", "changes"],
]

function picked(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => carriedKeys.includes(key)))
}

function readJson(original: Uint8Array): ForeignEvent {
  const { text } = readText(original)
  const value = text === undefined ? undefined : parseObject(text)
  if (text === undefined || value === undefined) {
    // An event stands by itself, and may be as deep as events may be.
    const deep = text === undefined ? undefined : parseObject(text, limits.eventDepthMax)
    if (deep !== undefined && isEventV1(deep, text as string)) return eventItself(deep, original)
    return { members: unreadable("json"), format: "json", original, isJson: false }
  }
  if (isEventV1(value, text)) return eventItself(value, original)
  return { members, format: "json", original, isJson: true }
}

/** With its own members, so that writeEvent sees which are there. */
function eventItself(value: JsonObject, original: Uint8Array): ForeignEvent {
  const own = value as unknown as ForeignMembers
  return { members: own, format: "json", original, isJson: true, isEvent: true }
}

const world = { now: new Date(0), id: () => "none", source: "none" }
/** Members whose values must stand without escapes, and every top-level name must. */
const plainMembers = ["id", "time", "source", "action", "outcome"]

/** What the port takes, apart from the grant (docs/spec/event.md): completed, it would be an event. */
function isEventV1(value: JsonObject, text: string): boolean {
  if (!isObject(value.actor) || !Array.isArray(value.targets) || value.action === undefined) {
    return false
  }
  for (const key of Object.keys(value)) if (value[key] === saidTwice) return false
  try {
    completeEvent(value as unknown as EventInput, world)
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
  return !text.includes("\\") || isPlain(text)
}

const nameEnd = /[ \t\r\n]*:/y

/** No escape in a top-level name, nor in a value that must have only one spelling. */
function isPlain(text: string): boolean {
  let depth = 0
  let name = ""
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string
    if (letter === "{" || letter === "[") depth++
    else if (letter === "}" || letter === "]") depth--
    else if (letter === '"') {
      const end = endOfString(text, at)
      const inside = text.slice(at + 1, end)
      at = end
      if (depth !== 1) continue
      nameEnd.lastIndex = end + 1
      const isName = nameEnd.test(text)
      if (isName) name = inside
      if (inside.includes("\\") && (isName || plainMembers.includes(name))) return false
    }
  }
  return true
}
