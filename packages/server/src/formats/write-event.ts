import { decodeUtf8, encodeUtf8, formatBase64, formatHex, sha256 } from "@postern/log/base"
import type { JsonObject } from "@postern/log/event"
import type { ForeignEvent, ForeignMembers } from "./api.ts"
import { unknownActor } from "./members.ts"

/** What an event has where its source does not say it. */
export interface EventDefaults {
  /** 1 to 128 bytes without escapes. */
  readonly id: string
  /** RFC 3339: when the record was received. */
  readonly time: string
  /** 1 to 256 bytes without escapes. */
  readonly source: string
}

const idBytesMax = 128
/** What JSON writes as it stands, a byte for each letter. */
const plainText = /^[\x20!\x23-\x5b\x5d-\x7e]+$/
const optionalKeys = [
  "category",
  "op",
  "severity",
  "reason",
  "origin",
  "trace",
  "onBehalfOf",
  "changes",
] as const satisfies readonly (keyof ForeignMembers)[]

const unknownActorText = JSON.stringify(unknownActor)

/**
 * The bytes of the event v1: its members, and under `data` the format's name, what else is known, and the original, whole
 * (docs/spec/sources.md): a JSON object byte for byte as `data.FORMAT`, text as `data.line`, anything else as `data.bytes`.
 */
export function writeEvent(event: ForeignEvent, defaults: EventDefaults): Uint8Array {
  if (event.isEvent) return completeBytes(event, defaults)
  const head = writeMembers(event.members, defaults)
  const data = `,"data":{"format":${JSON.stringify(event.format)},${writeExtras(event.members.data)}`
  if (event.isJson) {
    return surround(`${head}${data}${JSON.stringify(event.format)}:`, event.original, "}}")
  }
  const text = decodeUtf8(event.original)
  if (text !== undefined) return encode(`${head}${data}"line":${JSON.stringify(text)}}}`)
  return encode(`${head}${data}"bytes":"${formatBase64(event.original)}"}}`)
}

/** The event up to its data: `{"id":…`, without what closes it. */
export function writeMembers(members: ForeignMembers, defaults: EventDefaults): string {
  const { id, time = defaults.time, action, outcome, actor, targets } = members
  let text = `{"id":"${id === undefined ? defaults.id : fitId(id)}","time":"${time}"`
  text += `,"source":"${defaults.source}","action":"${action}","outcome":"${outcome}"`
  text += `,"actor":${actor === unknownActor ? unknownActorText : JSON.stringify(actor)}`
  text += targets.length === 0 ? ',"targets":[]' : `,"targets":${JSON.stringify(targets)}`
  for (const key of optionalKeys) {
    const value = members[key]
    if (typeof value === "string") text += `,"${key}":${quote(value)}`
    else if (value !== undefined) text += `,"${key}":${JSON.stringify(value)}`
  }
  return text
}

function quote(text: string): string {
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** An id that cannot stand in an event (it may have been chosen by somebody far away) goes as its digest. */
function fitId(id: string): string {
  if (id.length <= idBytesMax && plainText.test(id)) return id
  const bytes = encodeUtf8(id)
  const isPlain = bytes.length > 0 && bytes.length <= idBytesMax && JSON.stringify(id) === `"${id}"`
  return isPlain ? id : `sha256:${formatHex(sha256(bytes))}`
}

function writeExtras(data: JsonObject | undefined): string {
  if (data === undefined) return ""
  const text = JSON.stringify(data)
  return text === "{}" ? "" : `${text.slice(1, -1)},`
}

const braceOpen = 0x7b

/** An event v1 with what it lacks put right after its brace, as the port does (docs/spec/event.md). */
function completeBytes({ original, members }: ForeignEvent, defaults: EventDefaults): Uint8Array {
  const filled = { ...defaults, outcome: "unknown" }
  const lacks = Object.entries(filled).filter(([key]) => !Object.hasOwn(members, key))
  if (lacks.length === 0) return original
  const at = original.indexOf(braceOpen) + 1
  // It has an action, so there is a member to stand before.
  const text = `{${lacks.map(([key, value]) => `"${key}":"${value}",`).join("")}`
  return surround(text, original.subarray(at), "")
}

function encode(text: string): Uint8Array {
  return Buffer.from(text)
}

function surround(before: string, bytes: Uint8Array, after: string): Uint8Array {
  const beforeBytes = Buffer.byteLength(before)
  const whole = Buffer.allocUnsafe(beforeBytes + bytes.length + after.length)
  whole.write(before)
  whole.set(bytes, beforeBytes)
  whole.write(after, beforeBytes + bytes.length, "latin1")
  return whole
}
