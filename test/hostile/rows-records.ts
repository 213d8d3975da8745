import type { ErrorCode } from "@postern/log/base"
import { dataOf, type Indexed } from "../support/entries.ts"
import type { Grant } from "../support/installation.ts"
import { sayHttp } from "./dial.ts"
import { httpPost } from "./http-text.ts"
import { casesOf, entriesOf, type Ground, problem, type Row } from "./row.ts"

const grant: Grant = { adapters: ["records", "cloudevents", "teleport"], sources: ["app://*"] }

interface Sent {
  readonly body: () => string | Uint8Array
  readonly path?: string
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

function send({
  body,
  path = "/v1/records",
  type = "application/json",
  headers,
}: Sent): Row["act"] {
  return (ground) => sayHttp(ground, httpPost(body(), { "content-type": type, ...headers }, path))
}

/** Every record is kept, read or not; `lines` are those of them that are kept as lines. */
function taken(name: string, sent: Sent, records: number, lines?: readonly string[]): Row {
  const reads = (all: readonly Indexed[], ground: Ground): string | undefined => {
    const kept = entriesOf(all, ground)
    if (kept.length !== records) return `it keeps ${kept.length} instead of ${records}`
    const found = kept.map((entry) => dataOf(entry).line).filter((line) => line !== undefined)
    const isSame = lines === undefined || `${found}` === `${lines}`
    return isSame ? undefined : `it keeps [${String(found).slice(0, 300)}]`
  }
  const expects = `200 accepted ${records}`
  return { name: `sources: ${name}`, act: send(sent), expects, leaves: [], grant, reads }
}

function refused(name: string, code: ErrorCode, sent: Sent): Row {
  const reads = (all: readonly Indexed[], ground: Ground): string | undefined =>
    entriesOf(all, ground).length === 0 ? undefined : "something is kept"
  return {
    name: `sources: ${name}`,
    act: send(sent),
    expects: problem(code),
    leaves: [code],
    grant,
    reads,
  }
}

const text = "text/plain"
const ndjson = "application/x-ndjson"
const bodyOf = (body: string | Uint8Array) => (): string | Uint8Array => body

const recordsRows: readonly Row[] = [
  taken("5,000 records of two bytes", { body: bodyOf("{}".repeat(5_000)) }, 5_000),
  refused("50,001 records of two bytes", "HTTP_BODY_TOO_LARGE", {
    body: bodyOf("{}".repeat(50_001)),
  }),
  refused("50,001 lines", "HTTP_BODY_TOO_LARGE", {
    body: bodyOf("x\n".repeat(50_001)),
    type: text,
  }),
  taken("100,000 empty lines", { body: bodyOf(`${"\n".repeat(100_000)}x`), type: text }, 1, ["x"]),
  refused("an array that goes deeper and deeper", "HTTP_BODY_SYNTAX", {
    body: bodyOf("[".repeat(100_000)),
  }),
  taken("an object that goes deeper and deeper", { body: bodyOf('{"a":'.repeat(2_000)) }, 1, [
    '{"a":'.repeat(2_000),
  ]),
  taken("neighbours of what is broken", { body: bodyOf('[{},{"a":},nul,"\\ud800",{}]') }, 5, [
    ...['{"a":}', "nul", '"\\ud800"'],
  ]),
  taken(
    "lines that are broken",
    { body: bodyOf(Buffer.from('{"a"\n\xff\xfe\n\x00\n', "latin1")), type: ndjson },
    3,
    ['{"a"', "\0"],
  ),
  taken("a file of CloudTrail in a line", { body: bodyOf('{"Records":[{},{}]}'), type: text }, 1),
  taken("a file of CloudTrail without a record", { body: bodyOf('{"Records":[]}'), type: text }, 1),
  taken(
    "__proto__",
    { body: bodyOf('{"__proto__":{"type":"request"},"constructor":1,"log":{}}') },
    1,
  ),
]

const events = "/v1/cloudevents"
const head = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "s", "ce-type": "t" }
const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`ce-x${i}`, "%F0%9F%98"]))
const binary = { path: events, type: "application/octet-stream" }

const otherRows: readonly Row[] = [
  taken(
    "a CloudEvent with many odd headers",
    { ...binary, body: bodyOf("\xff"), headers: { ...head, ...many } },
    1,
  ),
  taken(
    "a CloudEvent named __proto__",
    { ...binary, body: bodyOf(""), headers: { ...head, "ce-__proto__": "x" } },
    1,
  ),
  taken(
    "an object that says it is a batch",
    { path: events, type: "application/cloudevents-batch+json", body: bodyOf('{"a":1,"b":2}') },
    1,
  ),
  refused("a batch that ends early", "HTTP_BODY_SYNTAX", {
    ...{ path: events, type: "application/cloudevents-batch+json", body: bodyOf("[{}") },
  }),
  refused("a CloudEvent that does not say so", "HTTP_CONTENT_TYPE", {
    path: events,
    body: bodyOf("{}"),
  }),
  taken("no event of Teleport", { path: "/v1/teleport/events.log", body: bodyOf("7") }, 1, ["7"]),
  refused("a session of Teleport that climbs", "HTTP_ROUTE", {
    ...{ path: "/v1/teleport/session.../../x.log", body: bodyOf("{}") },
  }),
]

const grantRows: readonly Row[] = [
  {
    ...refused("records of a writer for OTLP", "ADAPTER_NOT_GRANTED", { body: bodyOf("{}") }),
    grant: { adapters: ["otlp"] },
  },
  {
    ...refused("events of a writer for records", "ADAPTER_NOT_GRANTED", {
      path: "/v1/events",
      body: bodyOf("{}"),
    }),
    grant: { adapters: ["records"] },
  },
]

export const recordRows: readonly Row[] = [
  ...casesOf(113, ...recordsRows, ...otherRows),
  ...casesOf(114, ...grantRows),
]
