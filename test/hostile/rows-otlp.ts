import { gzipSync } from "node:zlib"
import type { ErrorCode } from "@postern/log/base"
import {
  logRecord,
  pair,
  requestOf,
} from "../../packages/server/src/port/adapters/otlp.test.support.ts"
import { encodeMessage } from "../../packages/server/src/port/adapters/otlp-oracle.test.support.ts"
import { dataOf, type Indexed } from "../support/entries.ts"
import type { Grant } from "../support/installation.ts"
import { statusOf } from "./dial.ts"
import { httpPost } from "./http-text.ts"
import { casesOf, entriesOf, type Ground, type Row } from "./row.ts"

const grant: Grant = { adapters: ["otlp"], sources: ["app://*"] }

/** Its answers are in words of OTLP: a status of HTTP, and in the log the code. */
function otlp(name: string, expects: number, act: Row["act"], more: Partial<Row> = {}): Row {
  return { name: `OTLP: ${name}`, act, expects: String(expects), leaves: [], grant, ...more }
}

function post(
  bytes: Uint8Array | string,
  headers: Readonly<Record<string, string>> = {},
): Row["act"] {
  const type = typeof bytes === "string" ? "application/json" : "application/x-protobuf"
  const request = () => httpPost(bytes, { "content-type": type, ...headers }, "/v1/logs")
  return (ground) => statusOf(ground, [request()])
}

/** All of it is kept, each record in an event of its own that the log can show. */
function taken(
  name: string,
  bytes: () => Uint8Array | string,
  records: number,
  more: Partial<Row> = {},
): Row {
  const reads = (all: readonly Indexed[], ground: Ground): string | undefined => {
    const { length } = entriesOf(all, ground)
    return length === records ? undefined : `it keeps ${length} instead of ${records}`
  }
  return otlp(name, 200, (ground) => post(bytes())(ground), { reads, ...more })
}

function refused(name: string, status: number, code: ErrorCode, act: Row["act"]): Row {
  return otlp(name, status, act, { leaves: [code], reads: keepsNothing })
}

function keepsNothing(all: readonly Indexed[], ground: Ground): string | undefined {
  const { length } = entriesOf(all, ground)
  return length === 0 ? undefined : `it keeps ${length}`
}

const empty = (count: number): object[] => Array.from({ length: count }, () => ({}))

/** A list in a list in a list: its bytes are made from within, since a library would not go so deep. */
function deepRequest(levels: number): Uint8Array {
  let value: Buffer = Buffer.from("0a0178", "hex")
  for (let i = 0; i < levels; i++) value = field(5, field(1, value))
  return field(1, field(2, field(2, field(5, value))))
}

function field(number: number, bytes: Uint8Array): Buffer {
  const head = [8 * number + 2]
  let rest = bytes.length
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80)
  return Buffer.concat([Uint8Array.from([...head, rest]), bytes])
}

const resourceOf = (bytes: number): object => ({
  resource: { attributes: [pair("fill", "r".repeat(bytes))] },
})
const kibibyte = 1024
const gzip = { "content-encoding": "gzip" }

const sizeRows: readonly Row[] = [
  refused("a gzip bomb", 413, "HTTP_BODY_TOO_LARGE", post(gzipSync(Buffer.alloc(64 << 20)), gzip)),
  refused(
    "a gzip bomb of one text",
    413,
    "HTTP_BODY_TOO_LARGE",
    post(
      gzipSync(
        requestOf([{ body: { value: { case: "stringValue", value: "x".repeat(12 << 20) } } }]),
      ),
      gzip,
    ),
  ),
  taken("5,000 records of two bytes", () => requestOf(empty(5_000), {}), 5_000),
  refused(
    "50,001 records of two bytes",
    413,
    "HTTP_BODY_TOO_LARGE",
    post(requestOf(empty(50_001), {})),
  ),
  refused(
    "50,001 resources without a record",
    413,
    "HTTP_BODY_TOO_LARGE",
    post(encodeMessage("ExportLogsServiceRequest", { resourceLogs: empty(50_001) })),
  ),
  taken("a value 5,000 deep", () => deepRequest(5_000), 1, {
    reads: (all, ground) => {
      const [entry] = entriesOf(all, ground)
      const data = entry === undefined ? {} : dataOf(entry)
      // What is beyond the depth of an event stands in the bytes alone.
      const isWhole = entry !== undefined && (data.cut === true || "_sd" in entry.event)
      return isWhole ? undefined : `it keeps ${JSON.stringify(entry?.event).slice(0, 300)}`
    },
  }),
  taken(
    "a JSON value 20,000 deep",
    () => {
      const [open, close] = ['{"arrayValue":{"values":['.repeat(10_000), "]}}".repeat(10_000)]
      return `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{"body":${open}${close}},{}]}]}]}`
    },
    3,
  ),
]

const resourceRows: readonly Row[] = [
  taken(
    "a resource of 31 KiB, 100 times",
    () => requestOf(empty(100), resourceOf(31 * kibibyte)),
    100,
  ),
  refused(
    "a resource of 33 KiB",
    413,
    "HTTP_BODY_TOO_LARGE",
    post(requestOf([logRecord], resourceOf(33 * kibibyte))),
  ),
  refused(
    "a resource of 31 KiB, 5,000 times",
    413,
    "HTTP_BODY_TOO_LARGE",
    post(requestOf(empty(5_000), resourceOf(31 * kibibyte))),
  ),
]

/** A byte a TLS record. */
const dripped: Row["act"] = (ground) => {
  const request = httpPost(
    requestOf([logRecord]),
    { "content-type": "application/x-protobuf" },
    "/v1/logs",
  )
  return statusOf(
    ground,
    Array.from(request, (byte) => Uint8Array.of(byte)),
  )
}

const list = (records: string): string =>
  `{"resourceLogs":[{"scopeLogs":[{"logRecords":${records}}]}]}`

const brokenRows: readonly Row[] = [
  refused(
    "a length beyond the end",
    400,
    "HTTP_BODY_SYNTAX",
    post(Uint8Array.of(0x0a, 0x7f, 0x00)),
  ),
  refused(
    "a length of 2^64",
    400,
    "HTTP_BODY_SYNTAX",
    post(Buffer.from("0affffffffffffffffff01", "hex")),
  ),
  refused("a varint without an end", 400, "HTTP_BODY_SYNTAX", post(Buffer.alloc(100_000, 0xff))),
  refused(
    "text that says it is protobuf",
    400,
    "HTTP_BODY_SYNTAX",
    post(Buffer.from(list("[{}]"))),
  ),
  refused("protobuf that says it is JSON", 400, "HTTP_BODY_SYNTAX", (ground) =>
    post(requestOf([logRecord]), { "content-type": "application/json" })(ground),
  ),
  refused(
    "a type that is none",
    415,
    "HTTP_CONTENT_TYPE",
    post("{}", { "content-type": "text/plain" }),
  ),
  // The second one breaks off within; its neighbours are read.
  taken("a record that is broken", () => Buffer.from("0a0c120a1200120412020aff1200", "hex"), 3),
  taken("a JSON record that is broken", () => list('[{},{"body":},7,{}]'), 4),
  refused("JSON that ends early", 400, "HTTP_BODY_SYNTAX", post(list("[{}]").slice(0, -1))),
  { ...taken("byte by byte", () => "", 1), act: dripped },
]

const grantRows: readonly Row[] = [
  {
    ...refused("of a writer for HTTP", 403, "ADAPTER_NOT_GRANTED", post(requestOf([logRecord]))),
    grant: { adapters: ["http"] },
  },
  refused("a writer of it at another way in", 403, "ADAPTER_NOT_GRANTED", (ground) =>
    statusOf(ground, [httpPost("{}")]),
  ),
]

/** Names of events are the application's to choose. */
const reservedRows: readonly Row[] = [
  otlp(
    "an event name of the port's own",
    200,
    post(requestOf([logRecord, { eventName: "postern.stopped" }])),
    {
      reads: (all, ground) => {
        const actions = entriesOf(all, ground).map(({ event }) => event.action)
        const isKept = actions.includes("foreign.postern.stopped") && actions.length === 2
        return isKept ? undefined : `it keeps ${actions}`
      },
    },
  ),
]

export const otlpRows: readonly Row[] = [
  ...casesOf(110, ...sizeRows),
  ...casesOf(111, ...resourceRows),
  ...casesOf(112, ...brokenRows),
  ...casesOf(114, ...grantRows),
  ...casesOf(115, ...reservedRows),
]
