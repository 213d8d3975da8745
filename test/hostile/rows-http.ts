import { gzipSync } from "node:zlib"
import type { ErrorCode } from "@postern/log/base"
import { eventOf, eventText } from "../support/events.ts"
import { sayHttp } from "./dial.ts"
import { httpHead, httpPost } from "./http-text.ts"
import { problem, type Row } from "./row.ts"

type Bytes = string | Uint8Array

function refused(name: string, code: ErrorCode, bytes: () => Bytes, end = false): Row {
  const act: Row["act"] = (ground) => sayHttp(ground, bytes(), { end })
  return { name: `HTTP: ${name}`, act, expects: problem(code), leaves: [code] }
}

function taken(name: string, bytes: () => Bytes, accepted = 1): Row {
  const act: Row["act"] = (ground) => sayHttp(ground, bytes())
  return { name: `HTTP: ${name}`, act, expects: `200 accepted ${accepted}`, leaves: [] }
}

function late(name: string, slow: "short" | "long", bytes: () => Bytes): Row {
  const ms = slow === "short" ? 20_000 : 45_000
  const act: Row["act"] = (ground) => sayHttp(ground, bytes(), { ms })
  const code = "HTTP_TIMEOUT"
  return { name: `HTTP: ${name}`, act, expects: problem(code), leaves: [code], slow }
}

const gzip = { "content-encoding": "gzip" }
const chunked = { "transfer-encoding": "chunked" }
const post = "POST /v1/events HTTP/1.1"
const headers = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "y"]))
const chunkedPost = (text: string): string => `${httpHead(post, chunked)}${text}`
const audit = (body: string): Bytes => httpPost(body, {}, "/v1/kubernetes/audit")
const list = (more: object): string =>
  JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", ...more })

export const httpRows: readonly Row[] = [
  refused("an unknown path", "HTTP_ROUTE", () => httpPost("{}", {}, "/v2/events")),
  refused("the read port's path", "HTTP_ROUTE", () => httpHead("GET /checkpoint HTTP/1.1")),
  refused("a path that climbs", "HTTP_ROUTE", () => httpPost("{}", {}, "/../../etc/passwd")),
  refused("a path that climbs back", "HTTP_ROUTE", () => httpPost("{}", {}, "/x/../v1/events")),
  refused("a path in escapes", "HTTP_ROUTE", () => httpPost("{}", {}, "/v1%2fevents")),
  refused("a path of 10,000 bytes", "HTTP_ROUTE", () =>
    httpPost("{}", {}, `/${"a".repeat(10_000)}`),
  ),
  refused("an absolute URI", "HTTP_ROUTE", () => httpPost("{}", {}, "http://evil/v1/events")),
  refused("GET", "HTTP_METHOD", () => httpHead("GET /v1/events HTTP/1.1")),
  refused("TRACE", "HTTP_METHOD", () => httpHead("TRACE /v1/events HTTP/1.1")),
  refused("DELETE", "HTTP_METHOD", () => httpHead("DELETE /v1/events HTTP/1.1")),
  refused("a method that is none", "HTTP_BODY_SYNTAX", () => httpHead("EVIL /v1/events HTTP/1.1")),
  {
    name: "HTTP: CONNECT",
    act: (ground) => sayHttp(ground, "CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n"),
    expects: "closed",
    leaves: [],
  },
  refused("a content type", "HTTP_CONTENT_TYPE", () =>
    httpPost(eventText(), { "content-type": "text/xml" }),
  ),
  refused("a content encoding", "HTTP_ENCODING", () =>
    httpPost(eventText(), { "content-encoding": "br" }),
  ),
  refused("two content encodings", "HTTP_ENCODING", () =>
    httpPost(gzipSync(eventText()), { "content-encoding": "gzip, gzip" }),
  ),
  refused("gzip that is none", "HTTP_BODY_SYNTAX", () => httpPost("x".repeat(1000), gzip)),
  refused("a gzip bomb", "HTTP_BODY_TOO_LARGE", () =>
    httpPost(gzipSync(Buffer.alloc(64 << 20)), gzip),
  ),
  refused("a gzip bomb that says it is small", "HTTP_BODY_TOO_LARGE", () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20))
    bomb.writeUInt32LE(100, bomb.length - 4)
    return httpPost(bomb, gzip)
  }),
  refused("half a gzip", "HTTP_BODY_SYNTAX", () =>
    httpPost(gzipSync(eventText()).subarray(0, 40), gzip),
  ),
  refused("9 MiB", "HTTP_BODY_TOO_LARGE", () => httpPost(Buffer.alloc(9 << 20, 32))),
  refused("9 MiB in chunks", "HTTP_BODY_TOO_LARGE", () =>
    chunkedPost(`${(9 << 20).toString(16)}\r\n${" ".repeat(9 << 20)}\r\n0\r\n\r\n`),
  ),
  refused("a length of 10^18", "HTTP_BODY_TOO_LARGE", () =>
    httpPost("", { "content-length": `1${"0".repeat(18)}` }),
  ),
  refused("a length of 10^30", "HTTP_BODY_SYNTAX", () =>
    httpPost("", { "content-length": `1${"0".repeat(30)}` }),
  ),
  {
    name: "HTTP: a body shorter than it says, then the end",
    act: async (ground) => {
      const bytes = httpPost(eventText(), { "content-length": "5000" })
      return await sayHttp(ground, bytes, { end: true })
    },
    expects: "closed",
    leaves: ["HTTP_TIMEOUT"],
  },
  refused("a length and chunks", "HTTP_BODY_SYNTAX", () =>
    httpPost("0\r\n\r\n", { ...chunked, "content-length": "5" }),
  ),
  refused("two lengths", "HTTP_BODY_SYNTAX", () =>
    httpPost(eventText(), { "Content-Length": "6", "content-length": "5" }),
  ),
  refused("a negative length", "HTTP_BODY_SYNTAX", () => httpPost("", { "content-length": "-1" })),
  refused("a header of 1 MB", "HTTP_BODY_SYNTAX", () => httpPost("", { x: "y".repeat(1_000_000) })),
  refused("10,000 headers", "HTTP_BODY_SYNTAX", () => httpPost("", headers(10_000))),
  taken("100 short headers", () => httpPost(eventText(), headers(90))),
  refused("a folded header", "HTTP_BODY_SYNTAX", () => httpPost("{}", { x: "y\r\n z" })),
  refused("a NUL in a header", "HTTP_BODY_SYNTAX", () => httpPost("{}", { x: "y\0z" })),
  taken("an expectation that nobody knows", () => httpPost(eventText(), { expect: "tea" })),
  refused("no host", "HTTP_BODY_SYNTAX", () => `${post}\r\n\r\n`),
  taken("chunks with extensions", () => {
    const text = eventText()
    return chunkedPost(`${text.length.toString(16)};a="b";c\r\n${text}\r\n0\r\nx: y\r\n\r\n`)
  }),
  refused("chunks with 100 kB of extensions", "HTTP_BODY_SYNTAX", () =>
    chunkedPost(`2;${"a".repeat(100_000)}\r\n{}\r\n0\r\n\r\n`),
  ),
  refused("a chunk that is none", "HTTP_BODY_SYNTAX", () => chunkedPost("zz\r\n{}\r\n0\r\n\r\n")),
  refused("a chunk of 2^64", "HTTP_BODY_SYNTAX", () =>
    chunkedPost(`1${"0".repeat(16)}\r\n{}\r\n0\r\n\r\n`),
  ),
  taken("Upgrade is passed over", () =>
    httpPost(eventText(), { connection: "upgrade", upgrade: "h2c, websocket" }),
  ),
  refused("the preface of HTTP/2", "HTTP_BODY_SYNTAX", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  refused("HTTP/9.9", "HTTP_BODY_SYNTAX", () => httpHead("POST /v1/events HTTP/9.9")),
  refused("10,000 empty lines", "HTTP_BODY_SYNTAX", () => `${"\r\n".repeat(10_000)}\x01`),
  refused("an empty body", "HTTP_BODY_SYNTAX", () => httpPost("")),
  taken("an empty array", () => httpPost("[]"), 0),
  refused("an array that is broken", "HTTP_BODY_SYNTAX", () =>
    httpPost(`[${eventText()},${eventText()}`),
  ),
  refused("an array with a trailing comma", "HTTP_BODY_SYNTAX", () =>
    httpPost(`[${eventText()},]`),
  ),
  refused("an array 100,000 deep", "HTTP_BODY_SYNTAX", () => httpPost("[".repeat(100_000))),
  refused("50,001 events", "HTTP_BODY_TOO_LARGE", () =>
    httpPost("{}\n".repeat(50_001), { "content-type": "application/x-ndjson" }),
  ),
  refused("an event 100,000 deep", "EVENT_TOO_LARGE", () =>
    httpPost(`{"data":${"[".repeat(50_000)}${"]".repeat(50_000)}}`),
  ),
  refused("an EventList of another kind", "HTTP_BODY_SYNTAX", () =>
    audit(JSON.stringify({ kind: "PodList", apiVersion: "v1", items: [eventOf()] })),
  ),
  refused("an EventList of another version", "HTTP_BODY_SYNTAX", () =>
    audit(list({ apiVersion: "audit.k8s.io/v2", items: [] })),
  ),
  refused("an EventList that is no JSON", "HTTP_BODY_SYNTAX", () => audit("kind: EventList")),
  taken("an EventList of 0 items", () => audit(list({ items: [] })), 0),
  refused("an EventList of numbers", "EVENT_FIELD_TYPE", () =>
    audit(list({ items: [1, "x", null] })),
  ),
  refused("an EventList of empty objects", "EVENT_MISSING_FIELD", () =>
    audit(list({ items: [{}, {}] })),
  ),
  {
    ...refused("a way in that is not granted", "ADAPTER_NOT_GRANTED", () =>
      audit(list({ items: [] })),
    ),
    grant: { adapters: ["http"] },
  },
  late("a header that stalls", "short", () => `${post}\r\nhost: p`),
  late("a body that stalls", "long", () => httpPost(eventText(), { "content-length": "5000" })),
  {
    name: "HTTP: 100-continue, then nothing",
    act: (ground) =>
      sayHttp(ground, httpHead(post, { expect: "100-continue", "content-length": "5000" }), {
        ms: 45_000,
      }),
    expects: problem("HTTP_TIMEOUT"),
    leaves: ["HTTP_TIMEOUT"],
    slow: "long",
  },
]
