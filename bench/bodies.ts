import {
  createAuditEvents,
  createEvents,
  type EventKind,
  serialDigits,
  serialMark,
} from "./events.ts"
import { otlpRequest } from "./otlp.ts"
import type { Protocol } from "./task.ts"

/** A whole HTTP request whose events get new ids in place before each sending. */
export interface Body {
  readonly request: Buffer
  /** Whether the answer to it says that all of them are taken. */
  isAnswer(response: Buffer): boolean
  /** Bytes of the events alone. */
  readonly eventBytes: number
  /** Writes the digits of `serial`, `serial + 1`, … into the events, in order. */
  number(serial: number): void
}

/** Bodies that a connection sends in turns. */
const eventsMin = 1024
const bodiesMin = 4
const serialBlank = "0".repeat(serialDigits)
const zero = 0x30
/** Each connection numbers its events apart. */
export const serialsPerConnection = 1e9

export function createBodies(load: {
  readonly protocol: Exclude<Protocol, "postern/1">
  readonly event: EventKind
  readonly batch: number
}): Body[] {
  const { protocol, event, batch } = load
  const count = Math.max(bodiesMin, Math.ceil(eventsMin / batch))
  if (protocol === "otlp") {
    return Array.from({ length: count }, (_, i) => createOtlpBody(batch, i))
  }
  const isWebhook = protocol === "kubernetes-webhook"
  const total = count * batch
  const events = isWebhook ? createAuditEvents(total, 1) : createEvents(event, total, 1)
  return Array.from({ length: count }, (_, i) => {
    return createBody(events.slice(i * batch, (i + 1) * batch), isWebhook)
  })
}

function createBody(events: readonly Buffer[], isWebhook: boolean): Body {
  const texts = events.map(String)
  const body = isWebhook
    ? `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${texts.join(",")}]}`
    : texts.map((text) => `${text}\n`).join("")
  const head = [
    `POST ${isWebhook ? "/v1/kubernetes/audit" : "/v1/events"} HTTP/1.1`,
    "host: postern.local",
    `content-type: ${isWebhook ? "application/json" : "application/x-ndjson"}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const request = Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`)
  const eventBytes = events.reduce((sum, { length }) => sum + length, 0)
  const places = findSerials(request)
  return patched(request, places, { eventBytes, events: events.length }, (response) => {
    return response.includes(`"accepted":${events.length},`)
  })
}

function createOtlpBody(records: number, seed: number): Body {
  const body = otlpRequest(records, seed)
  const head = [
    "POST /v1/logs HTTP/1.1",
    "host: postern.local",
    "content-type: application/x-protobuf",
    `content-length: ${body.length}`,
  ]
  const request = Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body])
  const places: number[] = []
  for (let at = request.indexOf(serialMark); at !== -1; at = request.indexOf(serialMark, at + 1)) {
    places.push(request.indexOf(serialBlank, at))
  }
  // Nothing in the answer: no record was refused.
  return patched(request, places, { eventBytes: body.length, events: records }, (response) =>
    response.includes("\r\ncontent-length: 0\r\n"),
  )
}

function patched(
  request: Buffer,
  places: readonly number[],
  { eventBytes, events }: { readonly eventBytes: number; readonly events: number },
  isAnswer: Body["isAnswer"],
): Body {
  if (places.length !== events) throw new Error("an event has no serial number to patch")
  return {
    ...{ request, isAnswer, eventBytes },
    number(serial) {
      for (let i = 0; i < places.length; i++) writeDigits(request, places[i] as number, serial + i)
    },
  }
}

/** Where the digits of each event's id begin. An id that stands twice in its event counts once, where it stands first. */
function findSerials(request: Buffer): number[] {
  const places: number[] = []
  const idNames = ['"id":"', '"auditID":"'].map((name) => `${name}${serialMark}`)
  const name = idNames.find((text) => request.includes(text)) ?? ""
  for (let at = request.indexOf(name); at !== -1; at = request.indexOf(name, at + 1)) {
    places.push(request.indexOf(serialBlank, at))
  }
  return places
}

function writeDigits(bytes: Buffer, at: number, value: number): void {
  let rest = value
  for (let i = at + serialDigits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10)
    bytes[i] = zero + rest - 10 * next
    rest = next
  }
}
