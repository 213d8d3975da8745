import { encodeUtf8 } from "@postern/log/base"
import { samples } from "../../packages/server/src/formats/samples.test.support.ts"
import {
  type Adapter,
  cloudeventsAdapter,
  recordsAdapter,
  teleportAdapter,
} from "../../packages/server/src/port/adapters/index.ts"
import {
  arrayItems,
  type Items,
  joinedItems,
} from "../../packages/server/src/port/adapters/items.ts"
import { convert, isTaken, layOut, type Saying, type Written } from "./adapter-desk.ts"
import { dataOf, demand, holdsRecord } from "./event-desk.ts"
import { type Parser, parserOf } from "./parser.ts"

/** A smaller record always becomes an event: what makes it large may be what cannot be kept beside the log. */
const tooLargeFrom = 60_000
/** What goes on for longer goes on in the same way, and to look at each event takes longer than to make it. */
const lookedAtMax = 2_000
const codes = ["HTTP_BODY_SYNTAX", "HTTP_BODY_TOO_LARGE", "HTTP_CONTENT_TYPE"] as const

/** One event for each record, in their order, each with the whole of it; and the scanner takes all of them. */
export function demandRecords(
  written: readonly Written[],
  records: readonly Uint8Array[],
): object[] {
  demand(written.length === records.length, `${records.length} records became ${written.length}`)
  return written.slice(0, lookedAtMax).map((event, i) => {
    const record = Buffer.from(records[i] as Uint8Array)
    const { bytes, verdict, isTooLarge, beside } = event
    if (isTooLarge) {
      demand(record.length > tooLargeFrom, "a record of common size is too large")
      return []
    }
    demand(isTaken(event), `an event is ${verdict}`)
    demand(holdsRecord(bytes, record, beside), "a record was lost or changed")
    return Object.keys(JSON.parse(bytes.toString()) as object)
  })
}

const blanks = new Set([0x20, 0x09, 0x0a, 0x0d])

function trimmed(bytes: Uint8Array): Uint8Array {
  let [from, to] = [0, bytes.length]
  while (from < to && blanks.has(bytes[from] as number)) from += 1
  while (to > from && blanks.has(bytes[to - 1] as number)) to -= 1
  return bytes.subarray(from, to)
}

function linesOf(body: Uint8Array): Uint8Array[] {
  const lines = Buffer.from(body).toString("latin1").split("\n")
  return lines
    .map((line) => trimmed(Buffer.from(line, "latin1")))
    .filter(({ length }) => length > 0)
}

/** The items of a body that is no lines; what stands between two of them must be blanks and `between`. */
function itemsOf(body: Uint8Array): Uint8Array[] {
  const laid = layOut(body)
  const text = trimmed(body)
  const at = laid.at + body.indexOf(text[0] ?? 0)
  const isArray = text[0] === 0x5b
  const items: Items = isArray
    ? arrayItems(laid, at, at + text.length)
    : joinedItems(laid.core.memory, at, at + text.length)
  const found: Uint8Array[] = []
  let rest = 0
  let behind = at
  for (; !items.done; items.advance()) {
    rest += demandBetween(laid.core.memory.subarray(behind, items.at))
    found.push(laid.core.memory.slice(items.at, items.end))
    behind = items.end
  }
  rest += demandBetween(laid.core.memory.subarray(behind, at + text.length))
  const separators = isArray ? 2 + Math.max(0, found.length - 1) : 0
  demand(rest === separators, `${rest} separators between ${found.length} items`)
  return found
}

/** Brackets and commas of the body itself. */
function demandBetween(bytes: Uint8Array): number {
  const marks = bytes.filter((byte) => !blanks.has(byte))
  demand(
    marks.every((byte) => byte === 0x5b || byte === 0x5d || byte === 0x2c),
    "something between two items is lost",
  )
  return marks.length
}

function bodyParser(
  name: string,
  adapter: Adapter,
  saying: Saying,
  seeds: readonly string[],
  cut: (body: Uint8Array) => Uint8Array[],
  bad: readonly string[] = [],
): Parser {
  return parserOf({
    ...{ name, codes, seeds: seeds.map(encodeUtf8), bad: bad.map(encodeUtf8) },
    parse: (body: Uint8Array) => demandRecords(convert(adapter, body, saying), cut(body)),
  })
}

const objects = Object.values(samples)
  .flat()
  .filter((text) => text.startsWith("{"))
const file = '{"Records":[{"eventSource":"a","eventName":"b"},{"eventSource":"c","eventName":"d"}]}'
const shipped = [
  '{"date":1795419662.123456,"log":"backup finished","host":"db-1","level":"info"}',
  '{"timestamp":"2026-11-23T07:41:02.1Z","message":"type=USER_LOGIN msg=audit(1795419662.123:7): pid=1 res=success"}',
  '{"date":1,"log":"LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.account,select 1,<none>"}',
  '{"action":"a.b","actor":{"type":"user","id":"u"},"targets":[],"data":{"x":1}}',
]
const bodies = [...shipped, ...objects, file, '{"Records":[]}', "{}", "7", '"x"', "null"]
const lines = ["plain", '{"a"', ...Object.values(samples).flat(), file, '{"Records":[]}']
const recordParsers: readonly Parser[] = [
  bodyParser(
    "records-json",
    ...([recordsAdapter, {}] as const),
    [
      `[${bodies}]`,
      ...bodies.map((body) => `[${body}]`),
      shipped.join(""),
      objects.join("\r\n"),
      "[]",
      "",
    ],
    itemsOf,
    ["[", "[1", "[1,]", "[,1]", "[1}", "[1]x", `${"[".repeat(70_000)}`],
  ),
  bodyParser(
    "records-ndjson",
    ...([recordsAdapter, { contentType: "application/x-ndjson" }] as const),
    [bodies.join("\n"), ...bodies, ""],
    linesOf,
  ),
  bodyParser(
    "records-text",
    ...([recordsAdapter, { contentType: "text/plain" }] as const),
    [lines.join("\n"), ...lines, ""],
    linesOf,
  ),
]

const structured = { contentType: "application/cloudevents+json" }
const batch = { contentType: "application/cloudevents-batch+json; charset=utf-8" }
const paid = [
  ...(samples.cloudevents ?? []),
  '{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AAEC"}',
]

/** `name: value` a line, an empty line, the body: what a request in binary mode brings. */
function readBinary(input: Uint8Array): object[] {
  const text = Buffer.from(input).toString("latin1")
  const [head = "", ...rest] = text.split("\n\n")
  const body = Buffer.from(rest.join("\n\n"), "latin1")
  const pairs = head.split("\n").map((line) => line.split(/: (.*)/, 2) as [string, string?])
  const headers = Object.fromEntries(
    pairs.map(([name, value]) => [name.toLowerCase(), value ?? ""]),
  ) as Record<string, string>
  const contentType = headers["content-type"] ?? ""
  const written = convert(cloudeventsAdapter, body, { contentType, headers })
  demand(written.length === 1, `one request became ${written.length}`)
  const [event] = written as [Written]
  demand(isTaken(event), `an event is ${event.verdict}`)
  if (!event.isTooLarge && event.beside.length === 0) demandBinary(event.bytes, body)
  return [Object.keys(JSON.parse(event.bytes.toString()) as object)]
}

/** The data as it came: as JSON, as text or in base64, in what was written of attributes and data. */
function demandBinary(event: Buffer, body: Buffer): void {
  const { cloudevents, line } = dataOf(event)
  const whole = cloudevents ?? JSON.parse(String(line))
  const { data, data_base64: base64 } = whole as { data?: unknown; data_base64?: string }
  const isKept =
    body.length === 0 ||
    (typeof data === "string" && Buffer.from(data).equals(body)) ||
    (base64 !== undefined && Buffer.from(base64, "base64").equals(body)) ||
    holdsRecord(event, body) ||
    String(line).includes(body.toString())
  demand(isKept, "the data was lost or changed")
}

const head = "ce-specversion: 1.0\nce-id: e-1\nce-source: /shop\nce-type: order.deleted"
const cloudeventsParsers: readonly Parser[] = [
  bodyParser("cloudevents", ...([cloudeventsAdapter, structured] as const), paid, (body) => [
    trimmed(body),
  ]),
  bodyParser(
    "cloudevents-batch",
    ...([cloudeventsAdapter, batch] as const),
    [`[${paid}]`, "[]", "[{},7]", "{}", ...paid],
    (body) => (trimmed(body)[0] === 0x7b ? [trimmed(body)] : itemsOf(body)),
    ["", "7", "[", "[{},]"],
  ),
  parserOf({
    name: "cloudevents-binary",
    codes,
    seeds: [
      `${head}\nce-time: 2026-11-23T10:00:00Z\ncontent-type: application/json\n\n{"x":1}`,
      `${head}\nce-subject: Euro%20%E2%82%AC%20%F0%9F%98%80\ncontent-type: text/plain\n\nwords`,
      `${head}\ncontent-type: application/octet-stream\n\n\xff\x00\xfe`,
      `${head}\n\n`,
    ].map((text) => new Uint8Array(Buffer.from(text, "latin1"))),
    bad: ["", "content-type: application/json\n\n{}", "ce-id: 1\n\nx"].map(encodeUtf8),
    parse: readBinary,
  }),
]

const teleportParser = bodyParser(
  "teleport",
  teleportAdapter,
  { path: "/v1/teleport/session.abc-1.log" },
  [...(samples.teleport ?? []), "{}", "x", ""],
  (body) => [trimmed(body)],
)

export const adapterParsers: readonly Parser[] = [
  ...[...recordParsers, ...cloudeventsParsers],
  teleportParser,
]
