import {
  assert,
  decodeUtf8,
  encodeUtf8,
  formatHex,
  PosternError,
  parseBase64,
  parseHex,
} from "../base/index.ts"
import { jsonBodyBytesMax } from "./frame.ts"

/**
 * The members of a JSON body that a peer sent. Each reader either returns a value of the promised
 * type and range or throws FRAME_SYNTAX naming frame and member. Members that nobody asks for are
 * ignored, as docs/spec/wire.md says.
 */
export class JsonBody {
  readonly #place: string
  readonly #members: Readonly<Record<string, unknown>>

  constructor(place: string, value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new PosternError("FRAME_SYNTAX", `${place} is not a JSON object`)
    }
    this.#place = place
    this.#members = value as Record<string, unknown>
  }

  /** An integer in [min, max]. */
  integer(key: string, min: number, max: number): number {
    const value = this.#member(key)
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.#refused(key, `an integer from ${min} to ${max}`)
    }
    // JSON can say -0, which is 0 on the wire and must not travel further as something else.
    return value === 0 ? 0 : value
  }

  /**
   * A string of min to max UTF-16 units that holds no lone surrogate, so that it can be written
   * again as UTF-8.
   */
  text(key: string, min: number, max: number): string {
    const value = this.#member(key)
    if (typeof value !== "string" || value.length < min || value.length > max) {
      throw this.#refused(key, `a string of ${min} to ${max} characters`)
    }
    if (!isWellFormed(value)) throw this.#refused(key, "text without lone surrogates")
    return value
  }

  /**
   * Text for people, cut to `max` UTF-16 units: an error that explains too much must still arrive.
   */
  prose(key: string, max: number): string {
    const value = this.#member(key)
    if (typeof value !== "string") throw this.#refused(key, "a string")
    return value.slice(0, max)
  }

  /** Text that a pattern describes; `meaning` is for the error. */
  matching(key: string, pattern: RegExp, meaning: string): string {
    const value = this.#member(key)
    if (typeof value !== "string" || !pattern.test(value)) throw this.#refused(key, meaning)
    return value
  }

  /** Lower-case hexadecimal of exactly `bytes` bytes. */
  hex(key: string, bytes: number): Uint8Array {
    const value = this.#member(key)
    const parsed = typeof value === "string" ? parseHex(value) : undefined
    if (parsed?.length !== bytes) throw this.#refused(key, `${2 * bytes} lower-case hex digits`)
    return parsed
  }

  /** Base64 (RFC 4648 §4) of exactly `bytes` bytes, as text. */
  base64(key: string, bytes: number): string {
    const value = this.#member(key)
    const parsed = typeof value === "string" ? parseBase64(value) : undefined
    if (parsed?.length !== bytes) throw this.#refused(key, `base64 of ${bytes} bytes`)
    return value as string
  }

  object(key: string): JsonBody {
    return new JsonBody(`${this.#place}.${key}`, this.#member(key))
  }

  boolean(key: string): boolean {
    const value = this.#member(key)
    if (typeof value !== "boolean") throw this.#refused(key, "true or false")
    return value
  }

  /** The elements of an array, min to max of them. */
  array(key: string, min: number, max: number): readonly unknown[] {
    const value = this.#member(key)
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      throw this.#refused(key, `an array of ${min} to ${max} elements`)
    }
    return value
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#members, key)
  }

  isNull(key: string): boolean {
    return this.#member(key) === null
  }

  #member(key: string): unknown {
    return this.has(key) ? this.#members[key] : undefined
  }

  #refused(key: string, expected: string): PosternError {
    return new PosternError("FRAME_SYNTAX", `${this.#place}.${key} must be ${expected}`)
  }
}

/**
 * Reads the body of the named frame. FRAME_SYNTAX if it is not UTF-8, not JSON or not an object.
 */
export function decodeJsonBody(frame: string, body: Uint8Array): JsonBody {
  if (body.length > jsonBodyBytesMax) throw new PosternError("FRAME_LENGTH", `the body of ${frame}`)
  const text = decodeUtf8(body)
  if (text === undefined) throw new PosternError("FRAME_SYNTAX", `${frame} is not UTF-8`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new PosternError("FRAME_SYNTAX", `${frame} is not JSON`, { cause })
  }
  return new JsonBody(frame, value)
}

/**
 * Writes a body of our own: members in the order given, undefined ones left out, bytes as
 * lower-case hex.
 */
export function encodeJsonBody(members: Readonly<Record<string, unknown>>): Uint8Array {
  // Before JSON.stringify, which asks a Buffer for its toJSON() first.
  const spelled = Object.entries(members).map(([key, value]) => {
    return [key, value instanceof Uint8Array ? formatHex(value) : value]
  })
  const text = JSON.stringify(Object.fromEntries(spelled))
  const body = encodeUtf8(text)
  assert(body.length <= jsonBodyBytesMax, "a JSON body is within its bound")
  return body
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
