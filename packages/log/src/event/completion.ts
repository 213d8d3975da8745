import { isPosternError, limits, PosternError } from "../base/index.ts"
import { digestsKey } from "./disclosure.ts"
import type { Actor, AuditEvent, Outcome, Target } from "./event.ts"
import { formatInstant } from "./time.ts"
import {
  checkAction,
  checkActor,
  checkDepth,
  checkId,
  checkMember,
  checkOutcome,
  checkSource,
  checkTargets,
  checkTime,
} from "./validation.ts"

/** A time as JavaScript has it, or as RFC 3339 text. */
export type TimeInput = Date | string
/** A string is the id of a user. */
export type ActorInput = Actor | string
/** A string is `type/id`, e.g. `invoice/4711`; one without a type gets the type `unknown`. */
export type TargetInput = Target | string

type Filled = "id" | "time" | "source" | "outcome" | "actor" | "targets" | "sentAt"
type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined }

/**
 * An event as a person writes it: action and actor are required, everything else may be left out or
 * undefined.
 */
export interface EventInput extends Optional<Omit<AuditEvent, Filled | "action">> {
  readonly action: string
  readonly actor: ActorInput
  readonly id?: string | undefined
  readonly time?: TimeInput | undefined
  readonly sentAt?: TimeInput | undefined
  readonly source?: string | undefined
  readonly outcome?: Outcome | undefined
  /** Short for `targets` with one element; not both. */
  readonly target?: TargetInput | undefined
  readonly targets?: readonly TargetInput[] | undefined
}

/** What an event takes from the world around it. */
export interface EventWorld {
  readonly now: Date
  /** Makes an id where the event has none; see createEventId. */
  readonly id: () => string
  readonly source: string
  /**
   * Whether `postern.` actions are this writer's to use; the port decides by the writer's grant.
   */
  readonly mayUseSelfActions?: boolean
}

/** `2026-11-22T12:00:00.123Z`; years that need more digits, and dates that are none, have other lengths. */
const isoLength = 24
const targetTypePattern = /^[A-Za-z][A-Za-z0-9._-]*$/

/**
 * Fills what the event leaves open (id, time, source; outcome becomes `unknown`, targets empty),
 * spells out shorthands and checks the result. Throws an EVENT_ PosternError whose detail names the
 * member and what to write instead.
 */
export function completeEvent(input: EventInput, world: EventWorld): AuditEvent {
  const event = new CompleteEvent()
  complete(copyOf(input), world, event)
  checkDepth(event.members)
  return event.members as unknown as AuditEvent
}

/**
 * As completeEvent(), and as JSON at once: what every audit() of an application waits for. Errors:
 * also EVENT_FIELD_VALUE if a value below the top level cannot be written as JSON.
 */
export function writeEvent(input: EventInput, world: EventWorld): string {
  const event = new EventWriter()
  try {
    complete(copyOf(input), world, event)
  } catch (cause) {
    if (isPosternError(cause)) throw cause
    completeEvent(input, world) // Says what it is, if it is that it has no end.
    throw unwritable(cause)
  }
  if (event.mayBeTooDeep) completeEvent(input, world)
  return event.text
}

/** Takes the members of an event in the order in which they are written. */
interface Members {
  /** @param text JSON writes it as it stands */
  addPlain(key: string, text: string): void
  add(key: string, value: unknown): void
}

class CompleteEvent implements Members {
  readonly members: Record<string, unknown> = {}

  addPlain(key: string, text: string): void {
    this.members[key] = text
  }

  add(key: string, value: unknown): void {
    this.members[key] = value
  }
}

/** Two brackets for each level below the event. */
const deepLength = 2 * limits.eventDepthMax - 2

class EventWriter implements Members {
  mayBeTooDeep = false
  #text = ""

  get text(): string {
    return `{${this.#text}}`
  }

  addPlain(key: string, text: string): void {
    const comma = this.#text === "" ? "" : ","
    this.#text += `${comma}"${key}":"${text}"`
  }

  add(key: string, value: unknown): void {
    const json = JSON.stringify(value)
    if (json === undefined) return
    this.mayBeTooDeep ||= json.length > deepLength && opens(json) >= limits.eventDepthMax
    this.#text += `,"${key}":${json}`
  }
}

/** How many objects and arrays this JSON opens, at most: brackets within texts are counted as well. */
function opens(json: string): number {
  let count = 0
  for (const bracket of ["{", "["]) {
    for (let at = json.indexOf(bracket); at >= 0; at = json.indexOf(bracket, at + 1)) count += 1
  }
  return count
}

/** Members that complete() itself has written when it comes to the others. */
const filledKeys = new Set([
  ...["id", "time", "source", "action", "outcome", "actor", "target", "targets"],
])

type Given = Readonly<Record<string, unknown>>

/** Its own members, each asked for once: somebody else's object may give another answer the next time. */
function copyOf(input: EventInput): Given {
  if (typeof input !== "object" || input === null) throw new PosternError("EVENT_SYNTAX")
  return { ...input }
}

function complete(given: Given, world: EventWorld, event: Members): void {
  if (given.target !== undefined && given.targets !== undefined) {
    throw new PosternError("EVENT_UNKNOWN_KEY", "target stands beside targets; send one of them")
  }
  if (given.action === undefined) throw new PosternError("EVENT_MISSING_FIELD", "action")
  if (given.actor === undefined) throw new PosternError("EVENT_MISSING_FIELD", "actor")
  // Only what is absent or undefined is filled: null is a value, and the wrong one.
  const { id, time = world.now, source = world.source, outcome = "unknown" } = given
  const { targets = given.target === undefined ? [] : [given.target] } = given
  event.addPlain("id", id === undefined ? world.id() : checkId(id))
  event.addPlain("time", timeText(time))
  event.addPlain("source", checkSource(source))
  event.addPlain("action", checkAction(given.action, world.mayUseSelfActions ?? false))
  event.addPlain("outcome", checkOutcome(outcome))
  event.add("actor", checkActor(expandActor(given.actor)))
  event.add("targets", checkTargets(Array.isArray(targets) ? targets.map(expandTarget) : targets))
  for (const key of Object.keys(given)) {
    const value = given[key]
    if (value === undefined || filledKeys.has(key)) continue
    if (key === digestsKey) throw new PosternError("EVENT_DISCLOSURE")
    const written = key === "sentAt" ? expandTime(value) : value
    checkMember(key, written)
    event.add(key, written)
  }
}

/**
 * The bytes to send: JSON in UTF-8. EVENT_TOO_LARGE if the entry might exceed 65,535 bytes with the
 * longest stamp; EVENT_FIELD_VALUE if a value below the top level cannot be written as JSON (a
 * BigInt, a cycle).
 */
export function encodeEvent(event: AuditEvent): Uint8Array {
  let text: string
  try {
    text = JSON.stringify(event)
  } catch (cause) {
    throw unwritable(cause)
  }
  const bytes = encode(text)
  if (bytes.length > eventBytesMax) {
    const detail = `the event has ${bytes.length} bytes, ${eventBytesMax} always fit`
    throw new PosternError("EVENT_TOO_LARGE", detail)
  }
  return bytes
}

function unwritable(cause: unknown): PosternError {
  return new PosternError("EVENT_FIELD_VALUE", "a value cannot be written as JSON", { cause })
}

const encoder = new TextEncoder()
/** Small events share their memory, since an allocation for each costs more than its bytes. */
const sharedBytes = 65_536
const smallBytesMax = 4_096
let shared = new Uint8Array(0)

function encode(text: string): Uint8Array {
  // A UTF-16 unit takes three bytes at most.
  const bytesMax = 3 * text.length
  if (bytesMax > smallBytesMax) return encoder.encode(text)
  if (shared.length < bytesMax) shared = new Uint8Array(sharedBytes)
  const { written } = encoder.encodeInto(text, shared)
  const bytes = shared.subarray(0, written)
  shared = shared.subarray(written)
  return bytes
}

/** An event of so many bytes fits into an entry whatever its stamp. */
export const eventBytesMax = limits.entryBytesMax - limits.stampBytesMax - 1

/** Of formatInstant() for the years 0 to 9999, which needs no second look; a date that is none says so. */
function timeText(time: unknown): string {
  const text = expandTime(time)
  const isOurs = time instanceof Date && typeof text === "string" && text.length === isoLength
  return isOurs ? text : checkTime(text)
}

function expandTime(value: unknown): unknown {
  if (!(value instanceof Date)) return value
  return Number.isNaN(value.getTime()) ? "Invalid Date" : formatInstant(value.getTime())
}

function expandActor(value: unknown): unknown {
  return typeof value === "string" ? { type: "user", id: value } : value
}

function expandTarget(value: unknown): unknown {
  if (typeof value !== "string") return value
  const slash = value.indexOf("/")
  const type = value.slice(0, Math.max(0, slash))
  const isTyped = slash < value.length - 1 && targetTypePattern.test(type)
  return isTyped ? { type, id: value.slice(slash + 1) } : { type: "unknown", id: value }
}
