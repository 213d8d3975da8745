import { gzipSync } from "node:zlib"
import { formatBase64, limits, parseBase64 } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { checkBatchReceipt, openReceiptCertificate } from "@postern/log/evidence"
import { checkConsistency, checkInclusion, leafHash, openCheckpoint } from "@postern/log/tlog"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { dataOf, Entries } from "../support/entries.ts"
import { eventOf, eventText } from "../support/events.ts"
import { type Answer, type Asked, ask, dialHttp, readToEnd } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { auditEvent, eventList } from "../support/kubernetes.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"

let installation: Installation
let app: Identity
let narrow: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = await Installation.make()
  app = await installation.writer("app")
  narrow = await installation.writer("narrow", {
    ...{ adapters: ["http"], sources: ["app://narrow"], actions: ["login.*"], eventBytes: 600 },
    ...{ eventsPerSecond: 5 },
  })
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

function post(body: string | Uint8Array, more: Asked = {}, identity = app): Promise<Answer> {
  return ask(port.write, installation.ca.certificate, identity, { body, ...more })
}

const lines = { headers: { "content-type": "application/x-ndjson" } }
const gzip = { headers: { "content-encoding": "gzip" } }

/** The leaf at an index, as stamp and event text. */
async function leafAt(index: number): Promise<string> {
  await entries.find(`entry ${index}`, (entry) => entry.index === index)
  const [leaf] = await entries.view.leaves(index, index + 1)
  return Buffer.from(leaf ?? "").toString()
}

interface Receipts {
  readonly note: string
  readonly batches: readonly {
    readonly open: number
    readonly sequence: number
    readonly first: number
    readonly count: number
    readonly received: number
    readonly changed: 0 | 1 | 2 | 3
    readonly seed: string
    readonly path: readonly string[]
  }[]
}

/** Proves the entries of an answer from what it says and what stands in the log. */
async function checkReceipts({ json }: Answer): Promise<void> {
  const receiptVkey = await openReceiptCertificate(String(json.certificate), installation.vkey)
  const bytes = (text: string) => parseBase64(text) ?? new Uint8Array(0)
  let proven = 0
  for (const { note, batches } of json.receipts as Receipts[]) {
    for (const { first, count, seed, path, ...rest } of batches) {
      await entries.find("the last of them", ({ index }) => index === first + count - 1)
      const leaves = await entries.view.leaves(first, first + count)
      const events = leaves.map((leaf) => parseEntry(leaf).eventBytes)
      const row = { firstIndex: first, events: count, accepted: count }
      const ack = { ...rest, ...row, seed: bytes(seed), path: path.map(bytes) }
      const { leaves: made } = await checkBatchReceipt({
        ack,
        events,
        refused: [],
        note,
        receiptVkey,
      })
      expect(made.map((leaf) => formatBase64(leaf))).toEqual(
        leaves.map((leaf) => formatBase64(leaf)),
      )
      proven += count
    }
  }
  expect(proven).toBe(json.accepted)
}

describe("events over HTTP", () => {
  test("one event is kept byte for byte, and proven", async () => {
    const text = ` ${JSON.stringify(eventOf({ labels: { größe: "½" } }), undefined, 2)}\n`
    const answer = await post(text)
    expect(answer).toMatchObject({
      status: 200,
      json: { accepted: 1, refused: [], duplicates: [] },
    })
    const [{ index }] = answer.json.entries as [{ index: number }]
    expect(await leafAt(index)).toMatch(/^\{"r":\d+,"o":\d+,"q":\d+,"n":"[\w-]{22}"\}\n/)
    expect((await leafAt(index)).split("\n").slice(1).join("\n")).toBe(text.trim())
    await checkReceipts(answer)
  })

  test("what is left out is filled in and the stamp says so", async () => {
    const body = '{"action":"a.b","actor":{"type":"user","id":"u"},"targets":[]}'
    const answer = await post(body)
    const [{ index }] = answer.json.entries as [{ index: number }]
    const [stamp, text = ""] = (await leafAt(index)).split("\n")
    expect(stamp).toMatch(/"c":1\}$/)
    expect(JSON.parse(text)).toMatchObject({
      source: "app://app",
      outcome: "unknown",
      action: "a.b",
    })
    expect(text.endsWith(body.slice(1))).toBe(true)
    await checkReceipts(answer)
  })

  test("an array and lines are taken, each event by itself", async () => {
    for (const [body, more] of [
      [`[${eventText()},{"x":1},${eventText()}]`, {}],
      [`${eventText()}\n\n{"x":1}\n${eventText()}`, lines],
    ] as const) {
      const answer = await post(body, more)
      expect(answer).toMatchObject({ status: 200, json: { accepted: 2 } })
      expect(answer.json.refused).toMatchObject([
        { position: 1, code: "EVENT_UNKNOWN_KEY", hint: expect.any(String) },
      ])
      await checkReceipts(answer)
    }
  })

  test("gzip is unpacked", async () => {
    const answer = await post(gzipSync(`[${eventText()},${eventText()}]`), gzip)
    expect(answer).toMatchObject({ status: 200, json: { accepted: 2 } })
    await checkReceipts(answer)
  })

  test("thousands at once are taken, over several batches, in their order", async () => {
    const events = Array.from({ length: 12_000 }, (_, i) => eventText({ data: { i } }))
    const answer = await post(events.join("\n"), lines)
    expect(answer).toMatchObject({ status: 200, json: { accepted: 12_000 } })
    const ranges = answer.json.entries as { index: number; count: number }[]
    expect(ranges.length).toBeGreaterThan(1)
    const kept: unknown[] = []
    for (const { index, count } of ranges) {
      await entries.find("the last", (entry) => entry.index === index + count - 1)
      const all = (await entries.all()).slice(index, index + count)
      kept.push(...all.map((entry) => dataOf(entry).i))
    }
    expect(kept).toEqual(events.map((_, i) => i))
    await checkReceipts(answer)
  })

  test("an empty array, or nothing but white space, is nothing to keep", async () => {
    expect(await post("[]")).toMatchObject({ status: 200, json: { accepted: 0, receipts: [] } })
    expect(await post("\n \n", lines)).toMatchObject({ status: 200, json: { accepted: 0 } })
  })
})

describe("the same again", () => {
  test("is recognised, also within one body, after kill -9 and after a drain", async () => {
    const events = [eventText(), eventText()]
    const body = `[${[...events, events[0]].join()}]`
    const first = await post(body)
    expect(first.json).toMatchObject({ accepted: 2, entries: [{ count: 2 }] })
    const [{ index }] = first.json.entries as [{ index: number }]
    expect(first.json.duplicates).toEqual([{ position: 2, index }])
    const duplicates = [0, 1, 0].map((at, position) => ({ position, index: index + at }))
    for (const signal of ["SIGKILL", "SIGTERM", undefined] as const) {
      expect((await post(body)).json).toMatchObject({ accepted: 0, duplicates, entries: [] })
      if (signal === undefined) break
      await port.end(signal)
      port = await startPort(installation.configFile)
    }
  })

  test("is recognised when the port filled in its time, and is not when only the id is the same", async () => {
    const bare = { id: "same-id", action: "a.b", actor: { type: "user", id: "u" }, targets: [] }
    const first = await post(JSON.stringify(bare))
    const [{ index }] = first.json.entries as [{ index: number }]
    expect((await post(JSON.stringify(bare))).json).toMatchObject({
      duplicates: [{ position: 0, index }],
    })
    const other = await post(JSON.stringify({ ...bare, action: "a.c" }))
    expect(other.json).toMatchObject({ accepted: 1, duplicates: [] })
    const entry = await entries.find(
      "the reuse",
      ({ event }) => event.action === "postern.id.reused",
    )
    expect(dataOf(entry)).toMatchObject({ writer: app.id, id: "same-id", index })
  })

  test("from another writer is another event", async () => {
    const body = eventText({ source: "app://narrow", action: "login.ok" })
    expect((await post(body)).json).toMatchObject({ accepted: 1 })
    expect((await post(body, {}, narrow)).json).toMatchObject({ accepted: 1 })
  })
})

describe("the audit webhook of Kubernetes", () => {
  const path = "/v1/kubernetes/audit"

  test("is taken as the API server sends it, each event unchanged inside its entry", async () => {
    const items = ["a-1", "a-2"].map((id) => auditEvent(id))
    const answer = await post(eventList(items), { path })
    expect(answer).toMatchObject({ status: 200, json: { accepted: 2 } })
    const [{ index }] = answer.json.entries as [{ index: number }]
    const [stamp, text = ""] = (await leafAt(index)).split("\n")
    expect(stamp).toMatch(/"c":2\}$/)
    expect(text).toContain(JSON.stringify(items[0]))
    const event = JSON.parse(text)
    expect(event).toMatchObject({ outcome: "success", actor: { id: "alice" } })
    expect(event.data.kubernetes).toEqual(items[0])
    await checkReceipts(answer)
    const again = await post(eventList(items), { path })
    expect(again.json).toMatchObject({
      accepted: 0,
      duplicates: [{ position: 0, index }, { position: 1 }],
    })
  })

  test("with nothing in it is nothing to keep; what is no list is refused", async () => {
    expect((await post(eventList([]), { path })).json).toMatchObject({ accepted: 0 })
    const unknown = JSON.stringify({ kind: "PodList", apiVersion: "v1", items: [] })
    expect((await post(unknown, { path })).json).toMatchObject({
      code: "HTTP_BODY_SYNTAX",
      status: 400,
    })
    expect((await post(eventText(), { path })).json).toMatchObject({ code: "HTTP_BODY_SYNTAX" })
  })
})

describe("a refusal is a problem with code and hint", () => {
  const bad: [code: string, status: number, what: string, () => Promise<Answer>][] = [
    [
      "EVENT_SYNTAX",
      400,
      "no JSON",
      () => post(eventText().replace('"actor":{', '"actor":{"n":01,')),
    ],
    ["EVENT_MISSING_FIELD", 400, "a missing field", () => post("{}")],
    [
      "EVENT_DUPLICATE_KEY",
      400,
      "a key twice",
      () => post(eventText().replace("{", '{"v":1,"v":1,')),
    ],
    [
      "EVENT_ESCAPED_KEY",
      400,
      "an escaped key",
      () => post(eventText().replace('"actor"', '"\\u0061ctor"')),
    ],
    ["EVENT_UNKNOWN_KEY", 400, "an unknown key", () => post(eventText({ severity2: 1 }))],
    ["EVENT_FIELD_TYPE", 400, "a wrong type", () => post(eventText({ actor: "alice" }))],
    ["EVENT_FIELD_VALUE", 400, "a wrong value", () => post(eventText({ outcome: "maybe" }))],
    ["EVENT_VERSION", 400, "another version", () => post(eventText({ v: 2 }))],
    ["EVENT_TOO_LARGE", 413, "too large", () => post(eventText({ category: "y".repeat(65_536) }))],
    [
      "EVENT_SELF_ACTION",
      403,
      "an action of ours",
      () => post(eventText({ action: "postern.started" })),
    ],
    ["HTTP_BODY_SYNTAX", 400, "an open array", () => post(`[${eventText()}`)],
    [
      "HTTP_CONTENT_TYPE",
      415,
      "XML",
      () => post("<a/>", { headers: { "content-type": "text/xml" } }),
    ],
    ["HTTP_ENCODING", 415, "brotli", () => post("x", { headers: { "content-encoding": "br" } })],
    ["HTTP_BODY_SYNTAX", 400, "no gzip", () => post("x", gzip)],
    [
      "HTTP_BODY_TOO_LARGE",
      413,
      "too large a body",
      () => post(Buffer.alloc(limits.httpBodyBytesMax + 1)),
    ],
    ["HTTP_BODY_TOO_LARGE", 413, "a bomb", () => post(gzipSync(Buffer.alloc(17 << 20)), gzip)],
    ["HTTP_ROUTE", 404, "another path", () => post("", { path: "/v1/nothing" })],
    ["HTTP_METHOD", 405, "another method", () => post("", { method: "PUT" })],
    [
      "ADAPTER_NOT_GRANTED",
      403,
      "another adapter",
      () => post("{}", { path: "/v1/kubernetes/audit" }, narrow),
    ],
    [
      "EVENT_SOURCE_NOT_GRANTED",
      403,
      "another source",
      () => post(eventText({ action: "login.x" }), {}, narrow),
    ],
    [
      "EVENT_ACTION_NOT_GRANTED",
      403,
      "another action",
      () => post(eventText({ source: "app://narrow" }), {}, narrow),
    ],
    [
      "EVENT_TOO_LARGE",
      413,
      "larger than granted",
      () => {
        const data = { x: "y".repeat(600) }
        return post(eventText({ source: "app://narrow", action: "login.x", data }), {}, narrow)
      },
    ],
  ]
  test.each(bad)("%s (%i) for %s", async (code, status, _, send) => {
    const { size } = entries.view.head()
    const { json, headers, ...answer } = await send()
    expect(answer.status).toBe(status)
    expect(headers["content-type"]).toBe("application/problem+json")
    expect(json).toMatchObject({ type: "about:blank", status, code, title: expect.any(String) })
    expect(String(json.hint).length).toBeGreaterThan(5)
    if (code === "HTTP_METHOD") expect(headers.allow).toBe("POST")
    await entries.refusal(code, { from: size })
  })

  test("RATE_LIMITED (429) says when to come back, and the writer's rate is its own", async () => {
    // A debt of many seconds: the next answer may be a long time coming.
    const events = () =>
      `[${Array.from({ length: 50 }, () => eventText({ source: "app://narrow", action: "login.x" }))}]`
    let limited: Answer | undefined
    for (let i = 0; i < 4 && limited?.status !== 429; i++)
      limited = await post(events(), {}, narrow)
    expect(limited).toMatchObject({
      status: 429,
      json: { code: "RATE_LIMITED" },
      headers: { "retry-after": "1" },
    })
    expect((await post(eventText())).status).toBe(200)
  })
})

describe("nothing can be read here", () => {
  const paths = [
    "/",
    "/v1/events",
    "/v1/kubernetes/audit",
    "/v1/entries",
    "/v1/entries/0",
    "/v1/tail",
  ]
  const more = [
    "/checkpoint",
    "/tile/0/000",
    "/tile/entries/000",
    "/openapi.json",
    "/metrics",
    "/v1/status",
  ]
  test.each([...paths, ...more])("GET and HEAD %s", async (path) => {
    for (const method of ["GET", "HEAD"]) {
      const { status, json } = await ask(port.write, installation.ca.certificate, app, {
        method,
        path,
      })
      expect([404, 405]).toContain(status)
      if (method === "GET") expect(["HTTP_ROUTE", "HTTP_METHOD"]).toContain(json.code)
    }
  })

  test("by no method that there is, and not by a path that climbs", async () => {
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"]) {
      const { status } = await ask(port.write, installation.ca.certificate, app, { method })
      expect(status).toBe(405)
    }
    for (const path of [
      "/v1/events/../../pki/ca.key",
      "//v1/events",
      "/v1/events%00",
      "/V1/events",
    ]) {
      const { status } = await post(eventText(), { path })
      expect(status, path).toBe(404)
    }
  })

  test("the framed protocol has no frame to ask with", async () => {
    const socket = await dialHttp(port.write, installation.ca.certificate, app)
    socket.write(
      "GET https://127.0.0.1/v1/entries HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    expect(await readToEnd(socket)).toMatch(/^HTTP\/1\.1 404 /)
  })
})

test("a sender without frames can look after the log: it goes on, and holds what was acknowledged", async () => {
  const first = await post(eventText(), { headers: { "postern-wait": "published" } })
  const [{ index }] = first.json.entries as [{ index: number }]
  const known = await openCheckpoint(
    String((first.json.published as { checkpoint: string }).checkpoint),
    installation.vkey,
  )
  await post(eventText(), { headers: { "postern-wait": "published" } })
  const seen = { "postern-seen": `${known.size}`, "postern-sample": `${index}` }
  const { json } = await post(eventText(), { headers: seen })
  const audit = json.audit as { note: string; from: number; consistency: string[]; path: string[] }
  const { size, root } = await openCheckpoint(audit.note, installation.vkey)
  const hashes = (texts: string[]) => texts.map((text) => parseBase64(text) ?? new Uint8Array(0))
  expect(size).toBeGreaterThan(known.size)
  checkConsistency(known.size, size, hashes(audit.consistency), known.root, root)
  await entries.find("the sample", (entry) => entry.index === index)
  const [leaf] = await entries.view.leaves(index, index + 1)
  checkInclusion(index, size, leafHash(leaf ?? new Uint8Array(0)), hashes(audit.path), root)
  const ahead = await post(eventText(), { headers: { "postern-seen": "999999999" } })
  expect(ahead.json.audit).toMatchObject({ consistency: [] })
  await entries.refusal("AUDIT_AHEAD")
})
