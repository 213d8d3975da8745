/**
 * Whether the members of an event are what docs/spec/event.md asks for, said so that the person at
 * the keyboard knows what to change. For the writer's side: the port judges the bytes itself and
 * believes nobody. Stands in the way of every audit() of an application, so nothing is made here
 * that is not needed for an error.
 */
import { encodeUtf8, limits, PosternError } from "../base/index.ts"
import {
  actionPattern,
  eventKeys,
  idBytesMax,
  isOutcome,
  type Outcome,
  outcomes,
  selfActionPrefix,
  sourceBytesMax,
  timeBytesMax,
} from "./event.ts"
import { nearestName } from "./spelling.ts"
import { parseTime } from "./time.ts"

type Members = Readonly<Record<string, unknown>>

/** What JSON writes as it stands, a byte for each letter. */
const plainPattern = /^[\x20!\x23-\x5b\x5d-\x7e]+$/

/** The JSON type of each top-level key. */
const typeOfKey: ReadonlyMap<string, string> = new Map(Object.entries(eventKeys))

/** EVENT_UNKNOWN_KEY unless event v1 has such a top-level key, EVENT_FIELD_TYPE if its value has another JSON type, EVENT_VERSION. */
export function checkMember(key: string, value: unknown): void {
  const expected = typeOfKey.get(key)
  if (expected === undefined) throw unknownKey(key)
  checkType(key, value, expected)
  if (key === "v" && value !== 1) throw new PosternError("EVENT_VERSION")
}

function unknownKey(key: string): PosternError {
  const meant = nearestName(key, Object.keys(eventKeys))
  const hint = meant === undefined ? "it can stand under data" : `did you mean ${quote(meant)}?`
  return new PosternError("EVENT_UNKNOWN_KEY", `${quote(key)}; ${hint}`)
}

function checkType(key: string, value: unknown, expected: string): void {
  const actual = jsonType(value)
  if (actual === expected) return
  throw new PosternError("EVENT_FIELD_TYPE", `${key} must be of type ${expected}, not ${actual}`)
}

function jsonType(value: unknown): string {
  if (value === null) return "null"
  return Array.isArray(value) ? "array" : typeof value
}

export function checkId(value: unknown): string {
  return checkText("id", value, idBytesMax)
}

/** The source that was found good last: a writer's events have the same one. */
let knownSource = ""

export function checkSource(value: unknown): string {
  if (value !== knownSource) knownSource = checkText("source", value, sourceBytesMax)
  return knownSource
}

function checkText(key: string, value: unknown, bytesMax: number): string {
  const text = checkString(key, value)
  if (text.length <= bytesMax && plainPattern.test(text)) return text
  const bytes = text.length * 3 <= bytesMax ? text.length : encodeUtf8(text).length
  if (bytes < 1 || bytes > bytesMax) {
    throw new PosternError("EVENT_FIELD_VALUE", `${key} must have 1 to ${bytesMax} bytes`)
  }
  // Two spellings of one value must not exist, so these fields hold nothing that JSON would escape.
  if (JSON.stringify(text) !== `"${text}"`) {
    const detail = `${key} may not hold quotes, backslashes, control characters or lone surrogates`
    throw new PosternError("EVENT_FIELD_VALUE", detail)
  }
  return text
}

function checkString(key: string, value: unknown): string {
  checkType(key, value, "string")
  return value as string
}

export function checkTime(value: unknown): string {
  const text = checkString("time", value)
  if (text.length > timeBytesMax || parseTime(text) === undefined) {
    const detail = `time ${quote(text)} is not RFC 3339, such as 2026-11-22T12:00:00.123Z`
    throw new PosternError("EVENT_FIELD_VALUE", detail)
  }
  return text
}

export function checkAction(value: unknown, mayUseSelfActions: boolean): string {
  const text = checkString("action", value)
  if (!actionPattern.test(text)) {
    const plain = text
      .trim()
      .toLowerCase()
      .replaceAll(/[^a-z0-9._:/-]+/g, ".")
    const hint = actionPattern.test(plain) ? `; try ${quote(plain)}` : ""
    const detail = `action ${quote(text)} is not 1 to 128 letters of a-z 0-9 . _ : / -${hint}`
    throw new PosternError("EVENT_FIELD_VALUE", detail)
  }
  if (!mayUseSelfActions && text.startsWith(selfActionPrefix)) {
    throw new PosternError("EVENT_SELF_ACTION", quote(text))
  }
  return text
}

export function checkOutcome(value: unknown): Outcome {
  if (isOutcome(value)) return value
  const text = checkString("outcome", value)
  const meant = nearestName(text, outcomes)
  const hint = meant === undefined ? `use one of ${outcomes.join(", ")}` : `did you mean ${meant}?`
  throw new PosternError("EVENT_FIELD_VALUE", `outcome ${quote(text)}; ${hint}`)
}

export function checkActor(value: unknown): unknown {
  checkType("actor", value, "object")
  checkParty(value)
  return value
}

export function checkTargets(value: unknown): unknown {
  checkType("targets", value, "array")
  const targets = value as readonly unknown[]
  for (let i = 0; i < targets.length; i++) if (i in targets) checkParty(targets[i], i)
  return value
}

const partyKeys = ["type", "id"] as const

/**
 * Actors and targets are useless without a type and an id, even though the port would take them.
 * @param target which of the targets it is; the actor otherwise
 */
function checkParty(value: unknown, target?: number): void {
  if (jsonType(value) !== "object") {
    throw new PosternError("EVENT_FIELD_TYPE", `${placeOf(target)} must be {"type", "id"}`)
  }
  for (const key of partyKeys) {
    const text = (value as Members)[key]
    if (typeof text === "string" && text !== "") continue
    const place = `${placeOf(target)}.${key}`
    if (text === undefined) throw new PosternError("EVENT_MISSING_FIELD", place)
    if (text === "") throw new PosternError("EVENT_FIELD_VALUE", `${place} is empty`)
    throw new PosternError("EVENT_FIELD_TYPE", `${place} must be a string`)
  }
}

function placeOf(target: number | undefined): string {
  return target === undefined ? "actor" : `targets[${target}]`
}

/** EVENT_DEPTH if objects and arrays nest too deep. Cycles are deeper than any bound. */
export function checkDepth(event: object): void {
  if (isDeeper(event, limits.eventDepthMax)) throw new PosternError("EVENT_DEPTH")
}

function isDeeper(value: object, levels: number): boolean {
  if (levels === 0) return true
  const values: readonly unknown[] = Object.values(value)
  for (const inner of values) {
    if (typeof inner === "object" && inner !== null && isDeeper(inner, levels - 1)) return true
  }
  return false
}

/** A value for an error's detail, short enough for a log line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
