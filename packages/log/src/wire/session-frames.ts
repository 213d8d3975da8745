import { assert, limits } from "../base/index.ts"
import { decodeJsonBody, encodeJsonBody, type JsonBody } from "./json-body.ts"

/** The frames about the connection as a whole: HELLO, WELCOME, GOAWAY (docs/spec/wire.md). */

export interface Hello {
  /** `name/version`, 1 to 128 printable ASCII characters. For people only. */
  readonly agent: string
}

export interface Welcome {
  readonly origin: string
  /** Names this connection in the port's entries and messages. */
  readonly session: string
  /** As in CREDIT, bytes. */
  readonly credit: number
  /** The note that certifies the receipt key (docs/spec/log.md, Receipt). */
  readonly certificate: string
  /** The log's verifier key. A writer that was given one in its profile trusts that one. */
  readonly vkey: string
  readonly limits: WireLimits
  /** Proofs of changes of the log key, oldest first, as text (docs/spec/keys.md, Proofs). */
  readonly keys?: string | undefined
}

export interface WireLimits {
  readonly frameBytes: number
  readonly batchEvents: number
  readonly entryBytes: number
}

export interface Goaway {
  /** A code of the error registry, or one of a newer port. */
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly detail?: string
  /** STREAM_HOLE: the sequence that the port expects. */
  readonly expected?: number
}

const agentPattern = /^[\x20-\x7e]{1,128}$/
export const errorCodePattern = /^[A-Z][A-Z0-9_]{0,63}$/
/** Readers cut longer messages and hints off. */
export const hintLengthMax = 1024
const noteLengthMax = 16_384
/** Of `keys` in WELCOME and CHECKPOINT: with everything else that stands there a body keeps below its bound. */
export const keysLengthMax = 32_768

export function encodeHello(hello: Hello): Uint8Array {
  assert(agentPattern.test(hello.agent), "an agent is 1 to 128 printable ASCII characters")
  return encodeJsonBody({ agent: hello.agent })
}

export function decodeHello(body: Uint8Array): Hello {
  const json = decodeJsonBody("HELLO", body)
  return { agent: json.matching("agent", agentPattern, "1 to 128 printable ASCII characters") }
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  const { origin, session, credit, certificate, vkey, keys } = welcome
  const { frameBytes, batchEvents, entryBytes } = welcome.limits
  return encodeJsonBody({
    origin,
    session,
    credit,
    certificate,
    vkey,
    limits: { frameBytes, batchEvents, entryBytes },
    keys,
  })
}

/**
 * The limits of a port may be lower than ours; one that claims higher ones is held to those of
 * postern/1.
 */
export function decodeWelcome(body: Uint8Array): Welcome {
  const json = decodeJsonBody("WELCOME", body)
  const bounds = json.object("limits")
  return {
    origin: json.text("origin", 1, 256),
    session: json.text("session", 1, 128),
    credit: json.integer("credit", 0, Number.MAX_SAFE_INTEGER),
    certificate: json.text("certificate", 1, noteLengthMax),
    vkey: json.text("vkey", 1, 1024),
    limits: {
      frameBytes: Math.min(readBound(bounds, "frameBytes"), limits.frameBytesMax),
      batchEvents: Math.min(readBound(bounds, "batchEvents"), limits.batchEventsMax),
      entryBytes: Math.min(readBound(bounds, "entryBytes"), limits.entryBytesMax),
    },
    ...readKeys(json),
  }
}

export function encodeGoaway(goaway: Goaway): Uint8Array {
  const { code, message, hint, detail, expected } = goaway
  return encodeJsonBody({ code, message, hint, detail, expected })
}

export function decodeGoaway(body: Uint8Array): Goaway {
  const json = decodeJsonBody("GOAWAY", body)
  return {
    code: json.matching("code", errorCodePattern, "an error code"),
    message: json.prose("message", hintLengthMax),
    hint: json.prose("hint", hintLengthMax),
    ...(json.has("detail") && { detail: json.prose("detail", 4096) }),
    ...(json.has("expected") && { expected: json.integer("expected", 0, limits.sequenceMax + 1) }),
  }
}

/** What the text proves is for others to check. */
export function readKeys(json: JsonBody): { readonly keys?: string } {
  return json.has("keys") ? { keys: json.text("keys", 0, keysLengthMax) } : {}
}

function readBound(json: JsonBody, key: string): number {
  return json.integer(key, 1, Number.MAX_SAFE_INTEGER)
}
