/** Values that lie beside the log because their events are large: the policy has them as well. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { connect } from "@postern/client"
import { encodeUtf8 } from "@postern/log/base"
import { discloseEvent, disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { checkReceipt, formatReceiptFile } from "@postern/log/evidence"
import { encodeDisclosurePart, encodeFrame, frameTypes } from "@postern/log/wire"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { openDisclosures } from "../../packages/server/dist/disclosures/index.js"
import { Entries, type Indexed } from "../support/entries.ts"
import { eventOf } from "../support/events.ts"
import { readBelow } from "../support/files.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import { type Answer, ask } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { auditEvent, eventList } from "../support/kubernetes.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until, within } from "../support/waiting.ts"

const policy = `
rules:
  - name: kubernetes
    match: { adapter: kubernetes }
    level: metadata
  - name: heartbeats
    match: { class: system }
    level: drop
  - name: people
    match: { action: "person.*" }
    level: full
    transforms:
      - { at: /data/email, do: personal }
      - { at: /data/iban, do: hmac }
  - name: all
    level: full
detect:
  secrets: hmac
`

const longMs = 60_000
let installation: Installation
let app: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = await Installation.make()
  app = await installation.writer("app")
  writeFileSync(join(installation.directory, "policy.yaml"), policy)
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGKILL")
  installation?.remove()
})

async function restart(): Promise<void> {
  await port.end("SIGKILL")
  port = await startPort(installation.configFile)
}

function post(events: unknown, path?: string): Promise<Answer> {
  const body = typeof events === "string" ? events : JSON.stringify(events)
  return ask(port.write, installation.ca.certificate, app, { body, ...(path && { path }) })
}

const token = ["ghp", "_0123456789abcdefABCDEF0123456789abcd"].join("")
const iban = "DE02120300000000202051"
/** Of so many bytes, in texts and objects as they come. */
const rows = (bytes: number) =>
  Array.from({ length: bytes / 100 }, (_, n) => ({ n, text: "row ".repeat(20) }))
const person = (name: string, bytes: number) => ({
  data: {
    ...{ email: `${name}@example.com`, iban, note: "kept", rows: rows(bytes) },
    header: `uses ${token} now`,
  },
})

const data = () => join(installation.directory, "data")
const sealed = () => join(data(), "disclosures")
const handed = () => filesBelow(join(sealed(), "handed-over"))
/** What was handed over is taken away a moment after its batch was acknowledged. */
const tidy = () =>
  until(() => handed().length === 0 || undefined, longMs, "nothing that was handed over")
const source = () =>
  openDisclosures({ sealed: sealed(), keys: join(installation.directory, "sealing") })

function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** What anybody finds who has the data directory and the keys of the months, but not those of persons. */
async function* everything(): AsyncGenerator<[path: string, bytes: Uint8Array]> {
  for (const { path, bytes } of readBelow(data())) {
    yield [path, bytes]
    const name = /\/bodies-[^/]+\/([0-9a-f]{64})$/.exec(path)?.[1]
    if (name === undefined) continue
    const found = await source().read(Buffer.from(name, "hex").toString("base64url"))
    if (found.state !== "held") throw new Error(`${path} is ${found.state}`)
    yield [path, found.json]
  }
}

async function expectNowhere(...texts: readonly string[]): Promise<void> {
  for await (const [path, bytes] of everything()) {
    for (const text of texts) expect(Buffer.from(bytes).includes(text), path).toBe(false)
  }
}

/** The event as whoever may see all of it sees it, out of the entry and what is kept sealed. */
async function whole({ event, index }: Indexed): Promise<Record<string, unknown>> {
  const jsons: Uint8Array[] = []
  const names = (text: string) => [...text.matchAll(/"(?:_sd|\.\.\.)":(\[[^\]]*\]|"[^"]*")/g)]
  const take = async (text: string): Promise<void> => {
    for (const [, named = "[]"] of names(text)) {
      for (const digest of [JSON.parse(named)].flat() as string[]) {
        const found = await source().read(digest, index)
        if (found.state !== "held") throw new Error(`a disclosure is ${found.state}`)
        jsons.push(found.json)
        await take(Buffer.from(found.json).toString())
      }
    }
  }
  await take(JSON.stringify(event))
  return discloseEvent(event, jsons)
}

const find = (id: string) => entries.find(id, ({ event }) => event.id === id)
const withId = async (id: string) => (await entries.all()).filter(({ event }) => event.id === id)
const firstOf = ({ json }: Answer): number => (json.entries as [{ index: number }])[0].index

const keptOfPerson = (name: string, bytes: number) => ({
  email: `${name}@example.com`,
  iban: expect.stringMatching(/^h1:[0-9a-f]{8}:[\w-]{43}$/),
  note: "kept",
  rows: rows(bytes),
  header: expect.stringMatching(/^h1:/),
})
const did = expect.arrayContaining(["personal /data/email", "hmac /data/iban"])

describe("a large event over HTTP", () => {
  const event = eventOf({
    ...{ id: "large-http", action: "person.changed" },
    ...{ actor: { type: "user", id: "alice" }, ...person("alice-at-large", 1_000_000) },
  })

  test("is kept as the policy says, and nothing else of it lies anywhere", async () => {
    const answer = await post([event, eventOf({ id: "beside-it" })])
    expect(answer.json).toMatchObject({ accepted: 2, refused: [], altered: [{ position: 0 }] })
    const entry = await find("large-http")
    expect(entry.stamp.changed).toBe(7)
    expect(entry.eventBytes.length).toBeLessThan(1_000)
    expect(entry.event._policy).toMatchObject({ rule: "people", did, sealed: 1 })
    expect(entry.event._policy).toMatchObject({ detected: [expect.any(String)] })
    expect((await whole(entry)).data).toEqual(keptOfPerson("alice-at-large", 1_000_000))
    await expectNowhere("alice-at-large", iban, token)
  })

  test("is recognised when it is sent again, also after a restart", async () => {
    const files = filesBelow(sealed()).filter((path) => path.includes("/bodies-"))
    const [{ index }] = (await withId("large-http")) as [Indexed]
    const again = { accepted: 0, duplicates: [{ position: 0, index }] }
    expect((await post(event)).json).toMatchObject(again)
    await restart()
    expect((await post(event)).json).toMatchObject(again)
    expect(filesBelow(sealed()).filter((path) => path.includes("/bodies-"))).toEqual(files)
  })

  test("of a kind that is not kept leaves no value", async () => {
    const files = filesBelow(sealed())
    const beat = eventOf({ action: "app.heartbeat", ...person("beating", 200_000) })
    expect((await post(beat)).json).toMatchObject({ accepted: 0, notKept: [0] })
    expect(filesBelow(sealed())).toEqual(files)
  })
})

test("a large Kubernetes item at the level metadata has no bodies beside the log either", async () => {
  const item = auditEvent("large-item", {
    requestObject: { spec: rows(300_000), note: "unmistakable-body" },
    responseObject: { status: "unmistakable-answer" },
    annotations: { used: token },
  })
  const answer = await post(eventList([item]), "/v1/kubernetes/audit")
  expect(answer.json).toMatchObject({ accepted: 1 })
  const entry = await entries.find("it", ({ index }) => index === firstOf(answer))
  const {
    requestObject: _,
    responseObject: __,
    annotations: ___,
    ...rest
  } = item as Record<string, unknown>
  const kept = (await whole(entry)) as { data: { kubernetes: object } }
  expect(kept.data.kubernetes).toEqual({ ...rest, annotations: { used: expect.any(String) } })
  expect(entry.event._policy).toMatchObject({
    did: expect.arrayContaining(["cut /data/kubernetes/requestObject"]),
  })
  await expectNowhere("unmistakable", token)
})

describe("a large event through the SDK", () => {
  test("has its receipt over what is kept, and nothing else of it lies anywhere", async () => {
    const problems: unknown[] = []
    const audit = await connect(installation.profileOf(app, port.write), {
      onProblem: (one) => problems.push(one),
    })
    const more = { id: "large-sdk", actor: "bob", ...person("bob-at-large", 2_000_000) }
    const receipt = await within(audit.confirm("person.changed", more), longMs, "the receipt")
    await checkReceipt(formatReceiptFile(receipt), installation.vkey)
    const entry = await find("large-sdk")
    expect(entry.event._policy).toMatchObject({ rule: "people", did, sealed: 1 })
    expect((await whole(entry)).data).toEqual(keptOfPerson("bob-at-large", 2_000_000))
    await expectNowhere("bob-at-large", iban, token)
    await tidy()

    const dropped = audit.confirm("app.ping", { actor: "bob", ...person("never", 200_000) })
    await expect(dropped).rejects.toMatchObject({ code: "EVENT_NOT_KEPT" })
    const others = Array.from({ length: 6 }, (_, n) =>
      audit.confirm("person.seen", { id: `many-${n}`, actor: "c", ...person(`many${n}`, 300_000) }),
    )
    await within(Promise.all(others), longMs, "their receipts")
    for (let n = 0; n < 6; n++) {
      const { data } = await whole(await find(`many-${n}`))
      expect(data).toEqual(keptOfPerson(`many${n}`, 300_000))
    }
    expect(problems).toEqual([])
    await audit.close()
  })
})

/** A value of the test's own, and an event that names it. */
function handing(id: string) {
  const value = { secret: "unmistakable-value", rows: rows(500_000) }
  const json = encodeDisclosure(id.padStart(22, "s"), "data", encodeUtf8(JSON.stringify(value)))
  const digest = disclosureDigest(json)
  const body = { digest: Buffer.from(digest, "base64url"), isMore: false, part: json }
  const { data: _, ...rest } = eventOf({ id, data: {} })
  const event = JSON.stringify({ ...rest, _sd: [digest] })
  return { value, event, frame: encodeFrame(frameTypes.disclosure, encodeDisclosurePart(body)) }
}

describe("a port that is killed", () => {
  const kept = () => filesBelow(sealed()).filter((path) => path.includes("/bodies-")).length
  const enter = () => FramedClient.enter(port.write, installation.ca.certificate, app)

  test("before the batch came has left what nobody can read, and takes it away", async () => {
    await tidy()
    const client = await enter()
    await client.open(0, new ClientStream().id)
    client.send(handing("alone").frame)
    // The file is there a moment before its bytes are.
    const head = ([path]: string[]) => path && readFileSync(path).toString("latin1", 0, 40)
    const isThere = () => head(handed())?.includes("handed-over") || undefined
    await until(isThere, longMs, "what was handed over")
    expect(handed()).toHaveLength(1)
    await expectNowhere("unmistakable")
    await restart()
    expect(handed()).toEqual([])
    client.destroy()
  })

  test.each([
    ["as the batch comes", "coming", () => true],
    ["once its value is put aside", "put-aside", () => handed().length > 0],
    ["once what is left of it is kept", "kept", (before: number) => kept() > before],
  ])("%s has one entry after all, with what is kept of the value", async (_, id, isThere) => {
    const { value, event, frame } = handing(id)
    const stream = new ClientStream()
    const batch = stream.batch([event])
    await tidy()
    const before = kept()
    const first = await enter()
    await first.open(0, stream.id)
    first.send(frame, batch)
    await until(() => isThere(before) || undefined, longMs, "the moment")
    await restart()
    await expectNowhere("unmistakable")
    first.destroy()
    const client = await enter()
    await client.open(0, stream.id)
    client.send(frame, batch)
    for (let one = await client.next(); one?.type !== frameTypes.ack; one = await client.next())
      expect(one).toBeDefined()
    client.destroy()
    const entry = await find(id)
    expect(await withId(id)).toHaveLength(1)
    const { data } = await whole(entry)
    expect(data).toEqual({ ...value, secret: expect.stringMatching(/^h1:/) })
    await expectNowhere("unmistakable")
  })
})

test("an event that names what was not handed over is refused, its neighbours are not", async () => {
  const json = encodeDisclosure("_36bc4LT-ac6q2KI6cBW5es", "labels", encodeUtf8('{"a":"b"}'))
  const digest = disclosureDigest(json)
  const body = { digest: Buffer.from(digest, "base64url"), isMore: false, part: json }
  const client = await FramedClient.enter(port.write, installation.ca.certificate, app)
  const stream = new ClientStream()
  await client.open(0, stream.id)
  const named = (one: string) => JSON.stringify({ ...eventOf({}), _sd: [one] })
  const events = [named(digest), named("A".repeat(43)), JSON.stringify(eventOf({}))]
  client.send(encodeFrame(frameTypes.disclosure, encodeDisclosurePart(body)), stream.batch(events))
  expect(await client.refused()).toMatchObject({
    refused: [{ code: "EVENT_DISCLOSURE", positions: [1] }],
  })
  expect((await client.ack()).batches).toMatchObject([{ events: 3, accepted: 2 }])
  client.destroy()
})
