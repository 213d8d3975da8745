import { encodeUtf8, limits, PosternError } from "../base/index.ts"
import {
  actionPattern,
  eventKeys,
  idBytesMax,
  isOutcome,
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

/**
 * Whether the members of an event are what docs/spec/event.md asks for, said so that the person at
 * the keyboard knows what to change; the keys have been checked. For the writer's side: the port
 * judges the bytes itself and believes nobody. Stands in the way of every audit() of an application,
 * so nothing is made here that is not needed for an error.
 * @param isTimeOurs the time was written by this program, so it is as it must be
 */
export function checkEvent(event: Members, mayUseSelfActions: boolean, isTimeOurs = false): void {
  for (const key of Object.keys(event)) checkType(key, event[key])
  checkText("id", event.id, idBytesMax)
  if (!isTimeOurs) checkTime("time", event.time)
  checkText("source", event.source, sourceBytesMax)
  checkAction(event.action, mayUseSelfActions)
  checkOutcome(event.outcome)
  checkParty(event.actor)
  const targets = event.targets as readonly unknown[]
  for (let i = 0; i < targets.length; i++) if (i in targets) checkParty(targets[i], i)
  if (event.v !== undefined && event.v !== 1) throw new PosternError("EVENT_VERSION")
  if (isDeeper(event, limits.eventDepthMax)) throw new PosternError("EVENT_DEPTH")
}

/** EVENT_UNKNOWN_KEY unless event v1 has such a top-level key. */
export function checkKey(key: string): void {
  if (Object.hasOwn(eventKeys, key)) return
  const meant = nearestName(key, Object.keys(eventKeys))
  const hint = meant === undefined ? "it can stand under data" : `did you mean ${quote(meant)}?`
  throw new PosternError("EVENT_UNKNOWN_KEY", `${quote(key)}; ${hint}`)
}

function checkType(key: string, value: unknown): void {
  const expected = eventKeys[key as keyof typeof eventKeys]
  const actual = jsonType(value)
  if (actual !== expected) {
    throw new PosternError("EVENT_FIELD_TYPE", `${key} must be of type ${expected}, not ${actual}`)
  }
}

function jsonType(value: unknown): string {
  if (value === null) return "null"
  return Array.isArray(value) ? "array" : typeof value
}

function checkText(key: string, value: unknown, bytesMax: number): void {
  const text = value as string
  if (text.length <= bytesMax && plainPattern.test(text)) return
  const bytes = text.length * 3 <= bytesMax ? text.length : encodeUtf8(text).length
  if (bytes < 1 || bytes > bytesMax) {
    throw new PosternError("EVENT_FIELD_VALUE", `${key} must have 1 to ${bytesMax} bytes`)
  }
  // Two spellings of one value must not exist, so these fields hold nothing that JSON would escape.
  if (JSON.stringify(text) !== `"${text}"`) {
    const detail = `${key} may not hold quotes, backslashes, control characters or lone surrogates`
    throw new PosternError("EVENT_FIELD_VALUE", detail)
  }
}

function checkTime(key: string, value: unknown): void {
  const text = value as string
  if (text.length > timeBytesMax || parseTime(text) === undefined) {
    const detail = `${key} ${quote(text)} is not RFC 3339, such as 2026-11-22T12:00:00.123Z`
    throw new PosternError("EVENT_FIELD_VALUE", detail)
  }
}

function checkAction(value: unknown, mayUseSelfActions: boolean): void {
  const text = value as string
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
}

function checkOutcome(value: unknown): void {
  if (isOutcome(value)) return
  const meant = nearestName(value as string, outcomes)
  const hint = meant === undefined ? `use one of ${outcomes.join(", ")}` : `did you mean ${meant}?`
  throw new PosternError("EVENT_FIELD_VALUE", `outcome ${quote(value as string)}; ${hint}`)
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

/**
 * Whether objects and arrays nest more than `levels` deep. Ends on cycles too: those are deeper
 * than any bound.
 */
function isDeeper(value: object, levels: number): boolean {
  if (levels === 0) return true
  for (const key of Object.keys(value)) {
    const inner: unknown = (value as Members)[key]
    if (typeof inner === "object" && inner !== null && isDeeper(inner, levels - 1)) return true
  }
  return false
}

/** A value for an error's detail, short enough for a log line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
