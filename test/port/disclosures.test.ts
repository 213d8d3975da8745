import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { digestsOf, discloseEvent } from "@postern/log/event"
import { afterAll, beforeAll, expect, test } from "vitest"
import { openDisclosures } from "../../packages/server/dist/disclosures/index.js"
import { rotateSaltKey } from "../../packages/server/dist/guard/keys/index.js"
import { Entries, type Indexed } from "../support/entries.ts"
import { eventOf } from "../support/events.ts"
import { readBelow } from "../support/files.ts"
import { type Answer, type Asked, ask } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { auditEvent, eventList } from "../support/kubernetes.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"

let installation: Installation
let app: Identity
let small: Identity
let slow: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = await Installation.make()
  // A policy looks at each value, and leaves it as it is.
  const policy = "rules: [{ name: all, level: full }]\n"
  writeFileSync(join(installation.directory, "policy.yaml"), policy)
  app = await installation.writer("app")
  small = await installation.writer("small", { eventBytes: 100_000 })
  slow = await installation.writer("slow", { bytesPerSecond: 200_000 })
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

const mebibyte = 1_048_576
const secret = "nobody-may-find-this-on-the-disk "
const body = (bytes: number) => ({ text: secret.repeat(Math.ceil(bytes / secret.length)) })

function post(events: unknown, more: Asked = {}, identity = app): Promise<Answer> {
  const text = typeof events === "string" ? events : JSON.stringify(events)
  return ask(port.write, installation.ca.certificate, identity, { body: text, ...more })
}

/** The values that an entry names, read as the reader process reads them. */
async function disclosed({ event }: Indexed): Promise<Record<string, unknown>> {
  const { directory } = installation
  const sealed = join(directory, "data", "disclosures")
  const source = openDisclosures({ sealed, keys: join(directory, "sealing") })
  const values: Uint8Array[] = []
  for (const digest of digestsOf(event)) {
    const found = await source.read(digest)
    if (found.state !== "held") throw new Error(`${digest} is ${found.state}`)
    values.push(found.json)
  }
  return discloseEvent(event, values)
}

async function entryAt(answer: Answer, position = 0): Promise<Indexed> {
  const [{ index }] = answer.json.entries as [{ index: number }]
  return entries.find("the entry", (entry) => entry.index === index + position)
}

test("an event of 5 MB is taken: its envelope stands in the log, its body beside it, sealed", async () => {
  const event = eventOf({ data: body(5 * mebibyte), labels: { kind: "large" } })
  const answer = await post(event)
  expect(answer).toMatchObject({ status: 200, json: { accepted: 1, refused: [] } })
  const entry = await entryAt(answer)
  expect(entry.stamp.changed).toBe(3)
  const { data: _, ...envelope } = event
  expect(entry.event).toEqual({ ...envelope, _sd: [expect.stringMatching(/^[\w-]{43}$/)] })
  expect(await disclosed(entry)).toEqual(event)
  for (const { path, bytes } of readBelow(join(installation.directory, "data"))) {
    expect(bytes.includes(secret), path).toBe(false)
  }
  await entries.find("the key", ({ event: { action } }) => action === "postern.sealing.began")
})

test("an audit event of an API server keeps its envelope, however large its request was", async () => {
  const item = auditEvent("disclosed-1", { requestObject: body(2 * mebibyte) })
  const answer = await post(eventList([auditEvent("before"), item, auditEvent("behind")]), {
    path: "/v1/kubernetes/audit",
  })
  expect(answer.json.accepted).toBe(3)
  const entry = await entries.find("it", ({ event }) => event.id === "disclosed-1/ResponseComplete")
  expect(entry.event).toMatchObject({ action: "k8s.secrets.delete", actor: { id: "alice" } })
  expect(entry.event.data).toBeUndefined()
  expect((await disclosed(entry)).data).toEqual({ kubernetes: item })
})

test("what is sent again is recognised, also after the port was killed", async () => {
  const item = eventList([auditEvent("disclosed-2", { requestObject: body(200_000) })])
  const path = "/v1/kubernetes/audit"
  const first = await post(item, { path })
  expect(first.json.accepted).toBe(1)
  const { index } = await entryAt(first)
  const repeated = { accepted: 0, duplicates: [{ position: 0, index }] }
  expect((await post(item, { path })).json).toMatchObject(repeated)
  await port.end("SIGKILL")
  port = await startPort(installation.configFile)
  expect((await post(item, { path })).json).toMatchObject(repeated)
})

test("what is sent again is recognised over a change of the salt key, which is an entry", async () => {
  const item = eventList([auditEvent("disclosed-3", { requestObject: body(200_000) })])
  const path = "/v1/kubernetes/audit"
  const first = await post(item, { path })
  expect(first.json.accepted).toBe(1)
  const { index } = await entryAt(first)
  const rotated = await rotateSaltKey({ sealing: join(installation.directory, "sealing") })
  await port.end("SIGTERM")
  port = await startPort(installation.configFile)
  const repeated = { accepted: 0, duplicates: [{ position: 0, index }] }
  expect((await post(item, { path })).json).toMatchObject(repeated)
  const { event } = await entries.find("it", (one) => one.event.action === "postern.salt.began")
  expect(event.data).toEqual({ key: rotated.key, previous: rotated.previous })
  const other = await post(
    eventList([auditEvent("disclosed-4", { requestObject: body(200_000) })]),
    { path },
  )
  expect(other.json.accepted).toBe(1)
  await port.end("SIGTERM")
  port = await startPort(installation.configFile)
  const all = await entries.find(
    "nothing more",
    (one) => one.event.id === "disclosed-4/ResponseComplete",
  )
  expect(digestsOf(all.event)).toHaveLength(1)
})

test("digests that a sender names by itself are refused: nobody could say what they are of", async () => {
  const own = await post(eventOf({ _sd: ["A".repeat(43)] }))
  expect(own.json).toMatchObject({ code: "EVENT_DISCLOSURE" })
  // Not even those that the port holds: what is in them is another event's.
  const held = digestsOf((await entries.find("a digest", ({ event }) => "_sd" in event)).event)
  expect((await post(eventOf({ _sd: held }))).json).toMatchObject({ code: "EVENT_DISCLOSURE" })
})

test("a grant bounds what may be kept beside the log, by event and by rate", async () => {
  const large = eventOf({ data: body(150_000) })
  const answer = await post([large, eventOf()], {}, small)
  expect(answer.json).toMatchObject({
    accepted: 1,
    refused: [{ position: 0, code: "EVENT_TOO_LARGE" }],
  })
  expect((await post(eventOf({ data: body(90_000) }), {}, small)).json.accepted).toBe(1)
  // A debt of many seconds: the next answer may be a long time coming.
  expect((await post(eventOf({ data: body(3 * mebibyte) }), {}, slow)).json.accepted).toBe(1)
  expect((await post(eventOf(), {}, slow)).json.code).toBe("RATE_LIMITED")
})

test("of an event that is refused nothing is stored", async () => {
  const sealed = join(installation.directory, "data", "disclosures")
  const stored = () => readBelow(sealed).filter(({ bytes }) => bytes.length > 0).length
  const before = stored()
  const bad = eventOf({ data: body(100_000), action: "Not An Action" })
  const worse = eventOf({ data: body(100_000), severity: 7 })
  const good = eventOf({ data: body(100_000) })
  const answer = await post([bad, good, worse])
  expect(answer.json).toMatchObject({ accepted: 1, refused: [{ position: 0 }, { position: 2 }] })
  expect(stored()).toBe(before + 1)
})
