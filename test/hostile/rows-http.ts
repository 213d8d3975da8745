import { gzipSync } from "node:zlib"
import type { ErrorCode } from "@postern/log/base"
import { dataOf } from "../support/entries.ts"
import { eventOf, eventText } from "../support/events.ts"
import { dialHttp } from "../support/http-client.ts"
import { httpAnswer, nextAnswer, sayHttp } from "./dial.ts"
import { httpHead, httpPost } from "./http-text.ts"
import { type Ground, numbered, problem, type Row } from "./row.ts"

type Bytes = string | Uint8Array

function refused(name: string, code: ErrorCode, bytes: () => Bytes, end = false): Row {
  const act: Row["act"] = (ground) => sayHttp(ground, bytes(), { end })
  return { name: `HTTP: ${name}`, act, expects: problem(code), leaves: [code] }
}

function taken(name: string, bytes: () => Bytes, accepted = 1): Row {
  const act: Row["act"] = (ground) => sayHttp(ground, bytes())
  return { name: `HTTP: ${name}`, act, expects: `200 accepted ${accepted}`, leaves: [] }
}

/** A deadline must pass. */
function late(name: string, act: Row["act"]): Row {
  const code = "HTTP_TIMEOUT"
  return { name: `HTTP: ${name}`, act, expects: problem(code), leaves: [code], isSlow: true }
}

function stalled(name: string, bytes: () => Bytes): Row {
  return late(name, (ground) => sayHttp(ground, bytes(), { ms: lateMsMax }))
}

/** One request that is answered, then something that does not come to its end. */
function stalledSecond(name: string, bytes: () => Bytes): Row {
  return late(name, async (ground) => {
    const socket = await dialHttp(ground.call, ground.ca, ground.writer)
    const first = nextAnswer(socket)
    socket.write(httpPost(eventText()))
    const said = await first
    socket.write(bytes())
    const second = await httpAnswer(socket, lateMsMax)
    return said === "200 accepted 1" ? second : `${said}, then ${second}`
  })
}

/** Nothing separates what stalls from the request before it. */
function stalledBehind(name: string, bytes: () => Bytes): Row {
  return late(name, async (ground) => {
    const socket = await dialHttp(ground.call, ground.ca, ground.writer)
    const first = nextAnswer(socket)
    socket.write(Buffer.concat([httpPost(eventText()), Buffer.from(bytes())]))
    const said = await first
    const second = await httpAnswer(socket, lateMsMax)
    return said === "200 accepted 1" ? second : `${said}, then ${second}`
  })
}

/** A body that comes a byte at a time, for longer than a body may take. */
async function dripBody(ground: Ground): Promise<string> {
  const socket = await dialHttp(ground.call, ground.ca, ground.writer)
  const answer = httpAnswer(socket, lateMsMax)
  socket.write(httpHead(post, { "content-length": "5000", "content-type": "application/json" }))
  const drip = setInterval(() => socket.writable && socket.write(" "), 200)
  return answer.finally(() => clearInterval(drip))
}

const lateMsMax = 60_000
const gzip = { "content-encoding": "gzip" }
const chunked = { "transfer-encoding": "chunked" }
const post = "POST /v1/events HTTP/1.1"
const headers = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "y"]))
const chunkedPost = (text: string): string => `${httpHead(post, chunked)}${text}`
const audit = (body: string): Bytes => httpPost(body, {}, "/v1/kubernetes/audit")
const list = (more: object): string =>
  JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", ...more })

/** Whoever shows a certificate is that one, whatever a proxy would have said in its headers. */
const forged: Row = {
  ...taken("a forged identity in the headers", () =>
    httpPost(eventText({ labels: { mark: "forged headers" } }), {
      "x-forwarded-client-cert": "URI=spiffe://postern.local/writer/bystander",
      "x-forwarded-for": "10.0.0.1",
      forwarded: "for=10.0.0.1",
    }),
  ),
  reads(all, { writer }) {
    const found = all.find(({ event }) => JSON.stringify(event).includes("forged headers"))
    const opening = all[found?.stamp.open ?? -1]
    const owner = opening === undefined ? "nobody" : dataOf(opening).writer
    return owner === writer.id ? undefined : `it stands as ${owner}'s`
  },
}

const rows: readonly Row[] = [
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
  refused("a gzip bomb in a gzip bomb", "HTTP_BODY_TOO_LARGE", () =>
    httpPost(
      gzipSync(Buffer.concat([gzipSync(Buffer.alloc(64 << 20)), Buffer.alloc(32 << 20)])),
      gzip,
    ),
  ),
  refused("gzip within gzip", "HTTP_BODY_SYNTAX", () =>
    httpPost(gzipSync(gzipSync(eventText())), gzip),
  ),
  taken("gzip in three members", () => {
    const text = eventText()
    const parts = [text.slice(0, 20), text.slice(20, 60), text.slice(60)]
    return httpPost(Buffer.concat(parts.map((part) => gzipSync(part))), gzip)
  }),
  refused("gzip with a wrong check sum", "HTTP_BODY_SYNTAX", () => {
    const packed = gzipSync(eventText())
    packed.writeUInt8(packed.readUInt8(packed.length - 8) ^ 1, packed.length - 8)
    return httpPost(packed, gzip)
  }),
  refused("gzip and something behind it", "HTTP_BODY_SYNTAX", () =>
    httpPost(Buffer.concat([gzipSync(eventText()), Buffer.from("and more of it")]), gzip),
  ),
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
  refused("chunks, spelled oddly", "HTTP_BODY_SYNTAX", () =>
    httpPost("0\r\n\r\n", { "transfer-encoding": "xchunked", "content-length": "5" }),
  ),
  refused("chunks twice", "HTTP_BODY_SYNTAX", () =>
    httpPost("0\r\n\r\n", { "transfer-encoding": "chunked, identity", "content-length": "5" }),
  ),
  refused("chunks behind a tab", "HTTP_BODY_SYNTAX", () =>
    httpPost("0\r\n\r\n", { "transfer-encoding": "\tchunked\x0b", "content-length": "5" }),
  ),
  refused("bare line feeds", "HTTP_BODY_SYNTAX", () =>
    String(httpPost(eventText())).replaceAll("\r\n", "\n"),
  ),
  refused("a chunk that ends at a bare line feed", "HTTP_BODY_SYNTAX", () =>
    chunkedPost("2\n{}\n0\n\n"),
  ),
  refused("a space before a colon", "HTTP_BODY_SYNTAX", () =>
    httpPost("0\r\n\r\n", { "transfer-encoding ": "chunked", "content-length": "5" }),
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
  taken("another host", () => httpPost(eventText(), { Host: "evil.example" })),
  forged,
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
  refused("a line of 100 MB", "HTTP_BODY_TOO_LARGE", () =>
    httpPost("", { "content-length": "100000000", "content-type": "application/x-ndjson" }),
  ),
  refused("a line of 100 MB in chunks", "HTTP_BODY_TOO_LARGE", () => {
    const part = `${(1 << 20).toString(16)}\r\n${"x".repeat(1 << 20)}\r\n`
    return Buffer.concat([Buffer.from(httpHead(post, chunked)), Buffer.from(part.repeat(100))])
  }),
  refused("a million keys", "HTTP_BODY_TOO_LARGE", () => {
    const keys = Array.from({ length: 1_000_000 }, (_, i) => `"k${i}":1`)
    return httpPost(eventText({ data: {} }).replace("{}", `{${keys}}`))
  }),
  taken("100,000 keys", () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`)
    return httpPost(eventText({ data: {} }).replace("{}", `{${keys}}`))
  }),
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
  refused("an EventList of 100,000 items", "HTTP_BODY_TOO_LARGE", () =>
    audit(list({ items: Array.from({ length: 100_000 }, () => ({})) })),
  ),
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
  stalled("a header that stalls", () => `${post}\r\nhost: p`),
  stalled("a body that stalls", () => httpPost(eventText(), { "content-length": "5000" })),
  stalledSecond("a second header that stalls", () => `${post}\r\nhost: p`),
  stalledSecond("a second body that stalls", () =>
    httpPost(eventText(), { "content-length": "5000" }),
  ),
  stalledBehind("a header that stalls, in one piece with a request", () => `${post}\r\nhost: p`),
  stalledBehind("a body that stalls, in one piece with a request", () =>
    httpPost(eventText(), { "content-length": "5000" }),
  ),
  late("a body byte by byte", dripBody),
  stalled("100-continue, then nothing", () =>
    httpHead(post, { expect: "100-continue", "content-length": "5000" }),
  ),
]

const names = (...of: readonly string[]): string[] => of.map((name) => `HTTP: ${name}`)

export const httpRows: readonly Row[] = numbered(rows, {
  66: names("a line of 100 MB", "a line of 100 MB in chunks"),
  67: names("a million keys", "100,000 keys"),
  74: names("a gzip bomb", "a gzip bomb that says it is small", "a gzip bomb in a gzip bomb"),
  75: names("gzip in three members"),
  76: names("half a gzip", "gzip with a wrong check sum", "gzip and something behind it"),
  77: names("a content encoding", "two content encodings", "gzip within gzip"),
  78: names(
    ...["a length and chunks", "chunks, spelled oddly", "chunks twice", "chunks behind a tab"],
    ...["bare line feeds", "a chunk that ends at a bare line feed", "two lengths"],
    ...["a space before a colon", "chunks with 100 kB of extensions"],
  ),
  79: names("10,000 headers", "a header of 1 MB"),
  80: names("100-continue, then nothing"),
  81: names(
    ...["a body byte by byte", "a body that stalls", "a second body that stalls"],
    ...["a header that stalls", "a second header that stalls"],
    "a header that stalls, in one piece with a request",
    "a body that stalls, in one piece with a request",
  ),
  82: names("an absolute URI", "another host", "a forged identity in the headers"),
  83: names("Upgrade is passed over", "CONNECT", "TRACE", "the preface of HTTP/2"),
  84: names("a path that climbs", "a path that climbs back", "a path in escapes"),
  85: names(
    ...["an EventList of 0 items", "an EventList of 100,000 items"],
    ...["an EventList of another kind", "an EventList of another version"],
  ),
})
