import { limits, PosternError } from "../base/index.ts"
import { digestsKey } from "./disclosure.ts"
import type { Actor, AuditEvent, Outcome, Target } from "./event.ts"
import { formatInstant } from "./time.ts"
import { checkEvent, checkKey } from "./validation.ts"

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
const targetPattern = /^([A-Za-z][A-Za-z0-9._-]*)\/(.+)$/s

/**
 * Fills what the event leaves open (id, time, source; outcome becomes `unknown`, targets empty),
 * spells out shorthands and checks the result. Throws an EVENT_ PosternError whose detail names the
 * member and what to write instead.
 */
export function completeEvent(input: EventInput, world: EventWorld): AuditEvent {
  if (typeof input !== "object" || input === null) throw new PosternError("EVENT_SYNTAX")
  const given: Readonly<Record<string, unknown>> = { ...input }
  if (given.target !== undefined && given.targets !== undefined) {
    throw new PosternError("EVENT_UNKNOWN_KEY", "target stands beside targets; send one of them")
  }
  for (const key of ["action", "actor"]) {
    if (given[key] === undefined) throw new PosternError("EVENT_MISSING_FIELD", key)
  }
  // Only what is absent or undefined is filled: null is a value, and the wrong one.
  const { id = world.id(), time = world.now, source = world.source, outcome = "unknown" } = given
  const { targets = given.target === undefined ? [] : [given.target] } = given
  const event: Record<string, unknown> = {
    id,
    time: expandTime(time),
    source,
    action: given.action,
    outcome,
    actor: expandActor(given.actor),
    targets: Array.isArray(targets) ? targets.map(expandTarget) : targets,
  }
  for (const key of Object.keys(given)) {
    const value = given[key]
    if (value === undefined || key === "target") continue
    if (key === digestsKey) throw new PosternError("EVENT_DISCLOSURE")
    checkKey(key)
    if (Object.hasOwn(event, key)) continue
    event[key] = key === "sentAt" ? expandTime(value) : value
  }
  checkEvent(event, world.mayUseSelfActions ?? false, isWrittenBy(time, event.time))
  return event as unknown as AuditEvent
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
    throw new PosternError("EVENT_FIELD_VALUE", "a value cannot be written as JSON", { cause })
  }
  const bytes = encode(text)
  if (bytes.length > eventBytesMax) {
    const detail = `the event has ${bytes.length} bytes, ${eventBytesMax} always fit`
    throw new PosternError("EVENT_TOO_LARGE", detail)
  }
  return bytes
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

function expandTime(value: unknown): unknown {
  if (!(value instanceof Date)) return value
  return Number.isNaN(value.getTime()) ? "Invalid Date" : formatInstant(value.getTime())
}

/** Whether a time's text is formatInstant()'s for the years 0 to 9999, which needs no second look. */
function isWrittenBy(given: unknown, text: unknown): boolean {
  return given instanceof Date && typeof text === "string" && text.length === isoLength
}

function expandActor(value: unknown): unknown {
  return typeof value === "string" ? { type: "user", id: value } : value
}

function expandTarget(value: unknown): unknown {
  if (typeof value !== "string") return value
  const [, type = "unknown", id = value] = targetPattern.exec(value) ?? []
  return { type, id }
}
