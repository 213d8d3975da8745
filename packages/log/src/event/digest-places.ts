import { limits, PosternError } from "../base/index.ts"
import { type Disclosure, digestsKey, disclosureDigest, parseDisclosure } from "./disclosure.ts"

type JsonObject = Record<string, unknown>

/** A step from an event to a value inside it. */
interface Step {
  readonly from: Step | undefined
  readonly key: string | number
}

/** Where a digest stands, and so where its value belongs. */
interface Place {
  readonly digest: string
  /** The object or the array that holds it. */
  readonly holder: JsonObject | unknown[]
  /** Of the holder; undefined: the event itself. */
  readonly step: Step | undefined
  /** In the array; undefined: the digest is one of the object's. */
  readonly element: number | undefined
}

/** A value, and where it belongs. */
export interface DisclosedValue extends Disclosure {
  readonly digest: string
  /** The name, or the position in the array. */
  readonly key: string | number
  /** The object or array that it goes into, as it was parsed. */
  readonly holder: JsonObject | unknown[]
  /** RFC 6901 pointer to the holder; empty for the event itself. */
  readonly within: string
}

const elementKey = "..."
const digestPattern = /^[A-Za-z0-9_-]{43}$/

/** Whether the port's policy says that it made disclosures of this event (docs/spec/policy.md, The entry): any object or array in it may hold digests then. */
export function isSealedByPolicy(event: Readonly<JsonObject>): boolean {
  const policy = Object.hasOwn(event, "_policy") ? event._policy : undefined
  if (!isObject(policy) || !Object.hasOwn(policy, "sealed")) return false
  return (
    typeof policy.sealed === "number" && Number.isSafeInteger(policy.sealed) && policy.sealed > 0
  )
}

/**
 * The digests of an event that came out of a log, maybe of a hostile one, and of the values that were put back into it
 * (docs/spec/disclosures.md). Changes neither.
 */
export class DigestPlaces {
  /** Digests that no value was given for. Undefined: it stands in two places, and has a value in none. */
  readonly #left = new Map<string, Place | undefined>()
  readonly #namesGiven = new Map<object, Set<string>>()
  readonly #seen = new Set<string>()
  readonly #isDeep: boolean

  constructor(event: Readonly<JsonObject>) {
    this.#isDeep = isSealedByPolicy(event)
    if (this.#isDeep) this.#look(event, undefined)
    else for (const place of placesIn(event, undefined)) this.#add(place)
  }

  /** Those of which no value was given, in no order. */
  get digests(): readonly string[] {
    return [...this.#left.keys()]
  }

  /** Whether the event is one whose values may name further digests. */
  get isDeep(): boolean {
    return this.#isDeep
  }

  /**
   * Where a disclosure (JSON bytes) belongs; the digests in its value count from now on. Errors: DISCLOSURE_INVALID if no digest names it,
   * or not again, if it has not the form of its place, or its name is taken there; if there are too many digests.
   */
  take(json: Uint8Array): DisclosedValue {
    const digest = disclosureDigest(json)
    const place = this.#left.get(digest)
    if (place === undefined) throw invalid("the event names no such digest, or two places do")
    const disclosure = parseDisclosure(json)
    const key = this.#keyOf(place, disclosure)
    this.#left.delete(digest)
    if (this.#isDeep) this.#look(disclosure.value, { from: place.step, key })
    const { holder, step } = place
    return { ...disclosure, digest, key, holder, within: pointerOf(step) }
  }

  #keyOf({ holder, element }: Place, { name }: Disclosure): string | number {
    if ((element === undefined) !== (name !== undefined))
      throw invalid("its form is another place's")
    if (name === undefined) return element as number
    const given = this.#namesGiven.get(holder) ?? new Set()
    if (Object.hasOwn(holder, name) || given.has(name)) {
      throw invalid("there is a member of that name")
    }
    this.#namesGiven.set(holder, given.add(name))
    return name
  }

  /** Everything in a value, at any depth; without recursion, for it may be an enemy's. */
  #look(value: unknown, step: Step | undefined): void {
    const waiting: { value: unknown; step: Step | undefined }[] = [{ value, step }]
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      if (typeof one.value !== "object" || one.value === null) continue
      for (const place of placesIn(one.value, one.step)) this.#add(place)
      const { step: from } = one
      for (const [key, inner] of entriesOf(one.value)) {
        if (typeof inner !== "object" || inner === null) continue
        waiting.push({ value: inner, step: { from, key } })
      }
    }
  }

  #add(place: Place): void {
    const { digest } = place
    const known = this.#left.get(digest)
    const isSame = known?.holder === place.holder && known.element === place.element
    // A value that stood there before had this digest, too.
    if (this.#seen.has(digest) && !isSame) this.#left.set(digest, undefined)
    else this.#left.set(digest, place)
    this.#seen.add(digest)
    if (this.#seen.size > limits.entryDigestsMax) throw invalid("it names too many digests")
  }
}

/** The digests that an event names, as it came out of a log; of a hostile one whatever looks like a digest. */
export function digestsOf(event: Readonly<JsonObject>): readonly string[] {
  return new DigestPlaces(event).digests
}

/**
 * Puts values back into the event that names them, in whatever order they come: each disclosure (JSON bytes) becomes what it was, and its
 * digest goes (RFC 9901 §7.1). Errors: DISCLOSURE_INVALID if one is not named by the event or a value of it, comes twice, or has the
 * name of a member.
 */
export function discloseEvent(
  event: Readonly<JsonObject>,
  disclosures: readonly Uint8Array[],
): JsonObject {
  const open = isSealedByPolicy(event) ? (copyOf(event) as JsonObject) : { ...event }
  const places = new DigestPlaces(open)
  let waiting = disclosures
  while (waiting.length > 0) {
    const named = new Set(places.digests)
    const now = waiting.filter((json) => named.has(disclosureDigest(json)))
    if (now.length === 0) throw invalid("the event names no such digest")
    waiting = waiting.filter((json) => !now.includes(json))
    for (const json of now) putBack(places.take(json))
  }
  return tidied(open)
}

function putBack({ holder, key, digest, value }: DisclosedValue): void {
  if (!Array.isArray(holder)) {
    const digests = holder[digestsKey] as unknown[]
    const left = digests.filter((one) => one !== digest)
    if (left.length > 0) holder[digestsKey] = left
    else delete holder[digestsKey]
  }
  const property = { value, enumerable: true, writable: true, configurable: true }
  Object.defineProperty(holder, key, property)
}

/** Of the event's own list only what is a digest stays, each once. */
function tidied(open: JsonObject): JsonObject {
  if (!Object.hasOwn(open, digestsKey)) return open
  const digests = digestsIn(open)
  if (digests.size > 0) open[digestsKey] = [...digests]
  else delete open[digestsKey]
  return open
}

function* placesIn(holder: object, step: Step | undefined): Generator<Place> {
  if (!Array.isArray(holder)) {
    const object = holder as JsonObject
    for (const digest of digestsIn(object))
      yield { digest, holder: object, step, element: undefined }
    return
  }
  for (const [element, one] of holder.entries()) {
    const digest = elementDigest(one)
    if (digest !== undefined) yield { digest, holder, step, element }
  }
}

/** One at a time: a value of 8 MiB can have millions. */
function* entriesOf(holder: object): Iterable<[string | number, unknown]> {
  if (Array.isArray(holder)) yield* holder.entries()
  else for (const key of Object.keys(holder)) yield [key, (holder as JsonObject)[key]]
}

function digestsIn(object: Readonly<JsonObject>): ReadonlySet<string> {
  const digests: unknown = Object.hasOwn(object, digestsKey) ? object[digestsKey] : undefined
  return new Set(Array.isArray(digests) ? digests.filter(isDigest) : [])
}

/** Of an element that stands for one that was kept out: an object with nothing but its digest. */
function elementDigest(one: unknown): string | undefined {
  if (!isObject(one) || !Object.hasOwn(one, elementKey)) return undefined
  const digest = one[elementKey]
  return isDigest(digest) && Object.keys(one).length === 1 ? digest : undefined
}

function isDigest(one: unknown): one is string {
  return typeof one === "string" && digestPattern.test(one)
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function pointerOf(step: Step | undefined): string {
  const names: string[] = []
  for (let at = step; at !== undefined; at = at.from) {
    names.push(`/${String(at.key).replaceAll("~", "~0").replaceAll("/", "~1")}`)
  }
  return names.reverse().join("")
}

/** As deep as it goes, without recursion. */
function copyOf(value: object): object {
  const copy = emptyLike(value)
  const waiting: [from: object, to: object][] = [[value, copy]]
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    for (const [key, inner] of Object.entries(one[0])) {
      const isPlain = typeof inner !== "object" || inner === null
      const copied = isPlain ? inner : emptyLike(inner)
      const property = { value: copied, enumerable: true, writable: true, configurable: true }
      Object.defineProperty(one[1], key, property)
      if (!isPlain) waiting.push([inner, copied])
    }
  }
  return copy
}

function emptyLike(value: object): object {
  return Array.isArray(value) ? [] : {}
}

function invalid(what: string): PosternError {
  return new PosternError("DISCLOSURE_INVALID", what)
}
