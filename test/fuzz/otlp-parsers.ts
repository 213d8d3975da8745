import { encodeUtf8 } from "@postern/log/base"
import { otlpAdapter } from "../../packages/server/src/port/adapters/index.ts"
import {
  logRecord,
  pair,
  requestOf,
  resource,
} from "../../packages/server/src/port/adapters/otlp.test.support.ts"
import {
  decodeMessage,
  encodeMessage,
  jsonOfMessage,
} from "../../packages/server/src/port/adapters/otlp-oracle.test.support.ts"
import { convert, isTaken, type Written } from "./adapter-desk.ts"
import { dataOf, demand } from "./event-desk.ts"
import { type Parser, parserOf } from "./parser.ts"

const codes = ["HTTP_BODY_SYNTAX", "HTTP_BODY_TOO_LARGE"] as const
const protobuf = { contentType: "application/x-protobuf" }
/** What each record was is asked of so many of a request's. */
const askedMax = 20

function read(body: Uint8Array, saying?: { contentType: string }): Written[] {
  const written = convert(otlpAdapter, body, saying)
  for (const event of written) demand(isTaken(event), `an event is ${event.verdict}`)
  return written
}

/** Names of members without those that say which record it was. */
function shapeOf({ bytes, isTooLarge }: Written): object {
  return isTooLarge ? [] : Object.keys(JSON.parse(bytes.toString()) as object)
}

interface LogsOfResource {
  readonly scopeLogs: readonly { readonly logRecords: readonly unknown[] }[]
}

/** Another implementation of protobuf counts the same records, and what is kept of each is that record and nothing else. */
function readProtobuf(body: Uint8Array): object[] {
  const written = read(body, protobuf)
  const records = strictRecords(body)
  demand(
    records === undefined || records.length === written.length,
    `${records?.length} records became ${written.length}`,
  )
  for (const [i, { bytes, isTooLarge, beside }] of written.slice(0, askedMax).entries()) {
    if (isTooLarge || beside.length > 0) continue
    const original = new Uint8Array(Buffer.from(String(dataOf(bytes).bytes), "base64"))
    const [again, ...more] = read(original, protobuf)
    demand(again !== undefined && more.length === 0, "an original is not one record")
    demand(
      JSON.stringify(dataOf(again.bytes)) === JSON.stringify(dataOf(bytes)),
      "an original says something else",
    )
    if (records !== undefined) {
      const [kept] = oracleRecords(original) ?? []
      demand(kept === records[i], "a record was changed")
    }
  }
  return written.map(shapeOf)
}

/** Each record as JSON text; undefined if the other one reads no request there. */
function oracleRecords(body: Uint8Array): string[] | undefined {
  try {
    return recordTexts(decodeMessage("ExportLogsServiceRequest", body))
  } catch {
    return undefined // It refuses more than we do: texts that are no UTF-8, for one.
  }
}

/**
 * The same, undefined also where it would write the request otherwise: it takes a field for what its number says, whatever its type
 * on the wire is, and lets a message reach beyond the one that it stands in.
 */
function strictRecords(body: Uint8Array): string[] | undefined {
  try {
    const request = decodeMessage("ExportLogsServiceRequest", body)
    const again = encodeMessage("ExportLogsServiceRequest", request)
    return Buffer.compare(again, body) === 0 ? recordTexts(request) : undefined
  } catch {
    return undefined // As above.
  }
}

function recordTexts(request: object): string[] {
  const { resourceLogs } = request as { resourceLogs: readonly LogsOfResource[] }
  const records = resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) => logRecords),
  )
  return records.map((record) => JSON.stringify(record, plain))
}

const plain = (_: string, value: unknown): unknown =>
  typeof value === "bigint" ? `${value}` : value

/** As many records as JSON itself finds, each verbatim in its event. */
function readJson(body: Uint8Array): object[] {
  const written = read(body)
  const records = jsonRecords(Buffer.from(body).toString())
  demand(
    records === undefined || records.length <= written.length,
    `${records?.length} records became ${written.length}`,
  )
  const text = Buffer.from(body)
  for (const { bytes, isTooLarge, beside } of written) {
    if (isTooLarge || beside.length > 0) continue
    demand(holdsPart(bytes, text), "a record was lost or changed")
  }
  return written.map(shapeOf)
}

function jsonRecords(text: string): unknown[] | undefined {
  try {
    const { resourceLogs = [] } = JSON.parse(text) as { resourceLogs?: LogsOfResource[] }
    return resourceLogs.flatMap(({ scopeLogs = [] }) =>
      scopeLogs.flatMap(({ logRecords = [] }) => logRecords),
    )
  } catch {
    return undefined // No JSON, or no request: what stands in such a body is for the reader alone.
  }
}

/** The record of an event stands in the body as it stands in the event. */
function holdsPart(event: Buffer, body: Buffer): boolean {
  const { line, bytes, otlp } = dataOf(event)
  if (typeof line === "string") return body.includes(line)
  if (typeof bytes === "string") return body.includes(Buffer.from(bytes, "base64"))
  const mark = event.lastIndexOf(',"otlp":')
  // A text within the record may look like the mark.
  for (let at = mark; at >= 0 && otlp !== undefined; at = event.lastIndexOf(',"otlp":', at - 1)) {
    if (body.includes(event.subarray(at + 8, -2))) return true
  }
  return false
}

const any = (value: object): object => ({ value })
const text = any({ case: "stringValue", value: "x" })
const nested = [
  text,
  any({ case: "boolValue", value: true }),
  any({ case: "intValue", value: -(2n ** 63n) }),
  any({ case: "doubleValue", value: 1.5 }),
  any({ case: "bytesValue", value: Uint8Array.of(0, 255) }),
  {},
]

/** Lists in lists. */
function deep(levels: number): object {
  let value = text
  for (let i = 0; i < levels; i++) value = any({ case: "arrayValue", value: { values: [value] } })
  return value
}

const attributes = [
  pair("event.name", "a.b"),
  { key: "k", value: any({ case: "arrayValue", value: { values: nested } }) },
  {
    key: "m",
    value: any({ case: "kvlistValue", value: { values: [{ key: "k", value: deep(3) }] } }),
  },
]
const requests = [
  requestOf([logRecord]),
  requestOf([logRecord, { body: deep(40) }, {}, { attributes, observedTimeUnixNano: 1n }]),
  requestOf([], {}),
  encodeMessage("ExportLogsServiceRequest", {
    resourceLogs: [
      { resource, scopeLogs: [{ logRecords: [logRecord] }, { logRecords: [{}, {}] }] },
      { scopeLogs: [{ scope: { name: "s" }, logRecords: [{ severityNumber: 17 }] }] },
    ],
  }),
]

export const otlpParsers: readonly Parser[] = [
  parserOf({
    name: "otlp-protobuf",
    codes,
    seeds: [...requests, new Uint8Array(0)],
    bad: ["ff", "0a", "0aff", "0a80808080808080808080", "0b0c", "0a0212ff", "07"].map((hex) => {
      return new Uint8Array(Buffer.from(hex, "hex"))
    }),
    parse: readProtobuf,
  }),
  parserOf({
    name: "otlp-json",
    codes,
    seeds: [
      ...requests.map((request) =>
        encodeUtf8(JSON.stringify(jsonOfMessage("ExportLogsServiceRequest", request))),
      ),
      ...["{}", "", '{"resourceLogs":null}'].map(encodeUtf8),
      encodeUtf8('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},7,{"a":},{"body":{}}]}]}]}'),
    ],
    bad: [
      ...["[", "[]", "7", '{"resourceLogs":7}', '{"resourceLogs":[7]}', '{"resourceLogs":[{]}'],
      '{"resourceLogs":[{"resource":{"a":},"scopeLogs":[{"logRecords":[{}]}]}]}',
    ].map(encodeUtf8),
    parse: readJson,
  }),
]
