import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { checkReceipt, formatReceiptFile } from "@postern/log/evidence"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { connect } from "../../packages/client/dist/index.js"
import { openDisclosures } from "../../packages/server/dist/disclosures/index.js"
import { askAdmin } from "../support/admin-client.ts"
import { dataOf, Entries, type Indexed } from "../support/entries.ts"
import { eventOf } from "../support/events.ts"
import { readBelow } from "../support/files.ts"
import { ClientStream, describeAck, FramedClient } from "../support/framed-client.ts"
import { type Answer, ask } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { auditEvent, eventList } from "../support/kubernetes.ts"
import { askOps, metricOf } from "../support/ops-client.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { proveAck } from "../support/receipts.ts"

const policy = `
rules:
  - name: kubernetes
    match: { adapter: kubernetes }
    level: metadata
  - name: heartbeats
    match: { class: system }
    level: drop
  - name: reads
    match: { action: "report.read" }
    level: full
    deduplicate: 3600
  - name: lists
    match: { action: "report.list" }
    level: full
    sample: 0.5
  - name: people
    match: { action: "person.*" }
    level: full
    transforms:
      - { at: /data/email, do: personal }
      - { at: /actor/id, do: personal }
      - { at: /data/iban, do: hmac }
  - name: all
    level: full
classes:
  read: ["report.*"]
detect:
  secrets: hmac
`

let installation: Installation
let app: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = await Installation.make()
  app = await installation.writer("app")
  writePolicy(policy)
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

function writePolicy(text: string): void {
  writeFileSync(join(installation.directory, "policy.yaml"), text)
}

async function restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  await port.end(signal)
  port = await startPort(installation.configFile)
}

function post(events: unknown, path?: string): Promise<Answer> {
  const body = typeof events === "string" ? events : JSON.stringify(events)
  return ask(port.write, installation.ca.certificate, app, { body, ...(path && { path }) })
}

async function entered(): Promise<{ client: FramedClient; certificate: string }> {
  const client = await FramedClient.connect(port.write, installation.ca.certificate, app)
  const { certificate } = await client.hello()
  return { client, certificate }
}

function tally(did: string, from = 0): Promise<Indexed> {
  const wanted = (entry: Indexed): boolean =>
    entry.event.action === "postern.policy.tally" && dataOf(entry).did === did
  return entries.find(`a tally of ${did}`, wanted, { from })
}

const secret = ["ghp", "_0123456789abcdefABCDEF0123456789abcd"].join("")
const person = (id: string, more: object = {}) =>
  eventOf({
    action: "person.changed",
    actor: { type: "user", id },
    data: { email: `${id}@example.com`, iban: "DE02120300000000202051", note: "kept", ...more },
  })

describe("a policy in force", () => {
  test("is an entry with its text, before anything it decided", async () => {
    const loaded = await entries.find(
      "the policy",
      ({ event }) => event.action === "postern.policy.loaded",
    )
    expect(dataOf(loaded)).toMatchObject({ rules: 6, by: "start", from: 0, to: 0, text: policy })
  })

  test("lets through, byte for byte, what it has nothing to do with", async () => {
    const text = JSON.stringify(eventOf({ action: "invoice.deleted", data: { amount: 1e3 } }))
    const { client } = await entered()
    const stream = new ClientStream()
    await client.open(0, stream.id)
    client.send(stream.batch([text]))
    const { batches } = await client.ack()
    const { firstIndex = 0 } = batches[0] ?? {}
    const found = await entries.find("it", ({ index }) => index === firstIndex)
    expect(Buffer.from(found.eventBytes).toString()).toBe(text)
    expect(found.stamp.changed).toBe(0)
    client.destroy()
  })

  test("drops, says so to the writer, and counts it in the log with its sequence", async () => {
    const { client } = await entered()
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const events = ["invoice.paid", "app.heartbeat", "app.ping"].map((action) =>
      JSON.stringify(eventOf({ action })),
    )
    client.send(stream.batch(events))
    expect(await client.refused()).toMatchObject({
      refused: [{ code: "EVENT_NOT_KEPT", positions: [1, 2] }],
    })
    expect((await client.ack()).batches).toMatchObject([{ events: 3, accepted: 1 }])
    const told = await tally("dropped")
    expect(dataOf(told)).toMatchObject({
      ...{ writer: app.id, rule: "heartbeats", count: 2, stream: stream.id },
      sequences: [[1, 3]],
    })
    const refused = (await entries.all()).filter(({ event }) => event.action === "postern.refused")
    expect(refused).toEqual([])
    client.destroy()
  })

  test("never drops what is mandatory, whatever a rule says", async () => {
    const answer = await post(eventOf({ action: "app.heartbeat", outcome: "denied" }))
    expect(answer.json).toMatchObject({ accepted: 1, notKept: [] })
  })

  test("keeps one of equal events, and a share of others that nobody chooses", async () => {
    const read = { action: "report.read", time: "2026-11-22T10:00:00Z", data: { report: 7 } }
    const again = [1, 2, 3].map((n) => eventOf({ ...read, id: `read-${n}` }))
    expect((await post(again)).json).toMatchObject({ accepted: 1, notKept: [1, 2] })
    const lists = Array.from({ length: 400 }, (_, n) =>
      eventOf({ action: "report.list", id: `list-${n}` }),
    )
    const first = (await post(lists)).json as { accepted: number; notKept: number[] }
    expect(first.accepted).toBeGreaterThan(140)
    expect(first.accepted).toBeLessThan(260)
    const second = (await post(lists)).json as { accepted: number; notKept: number[] }
    expect(second).toMatchObject({ accepted: 0, notKept: first.notKept })
    expect(dataOf(await tally("deduplicated"))).toMatchObject({ rule: "reads", count: 2 })
    expect(dataOf(await tally("sampled"))).toMatchObject({ rule: "lists" })
  })
})

describe("an event that is kept otherwise than it came", () => {
  test("comes back to its writer before the receipt, which holds over what is kept", async () => {
    const { client, certificate } = await entered()
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const events = [
      JSON.stringify(person("alice")),
      JSON.stringify(eventOf({ action: "invoice.paid" })),
      JSON.stringify(eventOf({ data: { header: `token ${secret}` } })),
    ]
    const frame = stream.batch(events)
    client.send(frame)
    const altered = await client.altered()
    expect(altered.map(({ position, changed }) => [position, changed])).toEqual([
      [0, 4],
      [2, 4],
    ])
    const ack = await client.ack()
    const trust = { certificate, vkey: installation.vkey }
    const [proven] = await proveAck(ack, [events], [[]], trust, altered)
    await expect(proveAck(ack, [events], [[]], trust)).rejects.toThrow("does not cover")
    const kept = await entries.find("it", ({ index }) => index === proven?.firstIndex)
    expect(kept.event._policy).toMatchObject({ rule: "people", sealed: 2 })
    const { actor, data } = kept.event as { actor: { id: string }; data: object }
    expect(actor.id).toMatch(/^p1:[\w-]{22}$/)
    expect(data).toMatchObject({
      iban: expect.stringMatching(/^h1:[0-9a-f]{8}:[\w-]{43}$/),
      note: "kept",
    })
    expect(JSON.stringify(kept.event)).not.toContain("alice")

    // Sent again, and again after the port was killed: the same events before the same receipt.
    client.send(frame)
    expect(await client.altered()).toEqual(altered)
    expect(describeAck(await client.ack())).toEqual(describeAck(ack))
    client.destroy()
  })

  test("gives its SDK writer a receipt file that a stranger can check", async () => {
    const problems: unknown[] = []
    const audit = await connect(installation.profileOf(app, port.write), {
      onProblem: (one) => problems.push(one),
    })
    const more = { actor: "erin", data: { email: "erin@example.com" } }
    const receipt = await audit.confirm("person.changed", more)
    const checked = await checkReceipt(formatReceiptFile(receipt), installation.vkey)
    expect(Buffer.from(receipt.leaf).toString()).toContain('"_policy"')
    expect(checked.index).toBe(receipt.index)
    const dropped = audit.confirm("app.ping", { actor: "erin" })
    await expect(dropped).rejects.toMatchObject({ code: "EVENT_NOT_KEPT" })
    expect(audit.status()).toMatchObject({ acked: 1, refused: 0, notKept: 1 })
    expect(problems).toEqual([])
    await audit.close()
  })

  test("is recognised when it is sent again over HTTP, also after a restart", async () => {
    const events = [person("bob"), person("carol")]
    const first = await post(events)
    expect(first.json).toMatchObject({ accepted: 2, duplicates: [] })
    const { altered } = first.json as { altered: { position: number; event: string }[] }
    expect(altered.map(({ position }) => position)).toEqual([0, 1])
    const [{ index }] = first.json.entries as [{ index: number }]
    const kept = await entries.find("it", (entry) => entry.index === index)
    expect(Buffer.from(kept.eventBytes).toString()).toBe(altered[0]?.event)
    const duplicates = [0, 1].map((position) => ({ position, index: index + position }))
    expect((await post(events)).json).toMatchObject({ accepted: 0, duplicates })
    await restart("SIGKILL")
    expect((await post(events)).json).toMatchObject({ accepted: 0, duplicates })
    const reused = (await entries.all()).filter(({ event }) => event.action === "postern.id.reused")
    expect(reused).toEqual([])
  })

  test("leaves what is personal nowhere in the clear, and opens with the keys", async () => {
    const answer = await post(person("dorothea-unmistakable"))
    const [{ index }] = answer.json.entries as [{ index: number }]
    const kept = await entries.find("it", (entry) => entry.index === index)
    const data = join(installation.directory, "data")
    for (const { path, bytes } of readBelow(data)) {
      expect(bytes.includes("dorothea-unmistakable"), path).toBe(false)
    }
    const source = openDisclosures({
      sealed: join(data, "disclosures"),
      keys: join(installation.directory, "sealing"),
    })
    const { actor } = kept.event as { actor: { _sd: string[] } }
    const found = await source.read(actor._sd[0] ?? "", index)
    expect(found.state).toBe("held")
    const text = found.state === "held" ? Buffer.from(found.json).toString() : ""
    expect(JSON.parse(text).slice(1)).toEqual(["idClear", "dorothea-unmistakable"])
  })

  test("of Kubernetes at the level metadata has no bodies", async () => {
    const item = auditEvent("bodies", {
      requestObject: { spec: {} },
      responseObject: { status: 1 },
    })
    const answer = await post(eventList([item]), "/v1/kubernetes/audit")
    const [{ index }] = answer.json.entries as [{ index: number }]
    const kept = await entries.find("it", (entry) => entry.index === index)
    expect(kept.stamp.changed).toBe(6)
    const { kubernetes } = dataOf(kept) as { kubernetes: object }
    expect(Object.keys(kubernetes)).not.toContain("requestObject")
    expect(Object.keys(kubernetes)).not.toContain("responseObject")
  })
})

test("says in figures what each rule did", async () => {
  const figures = async () => (await askOps(port.ops, "/metrics")).text
  const dropped = 'postern_policy_events_total{rule="heartbeats",did="dropped"}'
  const valueIn = (text: string, name: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1) ?? 0,
    )
  const before = await figures()
  await post([eventOf({ action: "app.ping" }), eventOf({ data: { password: "hunter2 hunter2" } })])
  const after = await figures()
  const grown = (name: string) => valueIn(after, name) - valueIn(before, name)
  expect(grown(dropped)).toBe(1)
  expect(grown('postern_policy_decided_total{rule="heartbeats"}')).toBe(1)
  expect(grown('postern_policy_decided_total{rule="all"}')).toBe(1)
  expect(grown('postern_policy_saved_bytes{rule="heartbeats"}')).toBeGreaterThan(50)
  const found = `postern_policy_detected_total{writer="${app.id}",detector="secret-name"}`
  expect(grown(found)).toBe(1)
  expect(valueIn(after, "postern_policy_refused")).toBe(0)
})

describe("another policy", () => {
  test("that is not acceptable changes nothing, is an entry, and is seen", async () => {
    const { size } = entries.view.head()
    writePolicy("rules: []\n")
    port.reload()
    const refused = await entries.find(
      "the refusal",
      ({ event }) => event.action === "postern.policy.refused",
      { from: size },
    )
    expect(dataOf(refused)).toMatchObject({ by: "signal", error: expect.stringContaining("line") })
    expect((await askAdmin(installation, "GET /v1/status")).json).toMatchObject({
      policyProblem: expect.stringContaining("rules"),
    })
    const { text } = await askOps(port.ops, "/metrics")
    expect(metricOf(text, "postern_policy_refused")).toBe(1)
    expect((await post(eventOf({ action: "app.ping" }))).json).toMatchObject({ notKept: [0] })
  })

  test("decides from its entry on, live", async () => {
    const { size } = entries.view.head()
    const text = "rules:\n  - { name: everything, level: full }\n"
    writePolicy(text)
    const reloaded = await askAdmin(installation, "POST /v1/reload")
    const { policy: digest } = reloaded.json
    const loaded = await entries.find(
      "the other policy",
      ({ event }) => event.action === "postern.policy.loaded",
      { from: size },
    )
    expect(dataOf(loaded)).toMatchObject({ digest, rules: 1, weakens: expect.any(Boolean) })
    const answer = await post(eventOf({ action: "app.ping" }))
    expect(answer.json).toMatchObject({ accepted: 1, notKept: [], altered: [] })
  })
})
