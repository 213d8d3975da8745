import { readFileSync, writeFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { askAdmin } from "../support/admin-client.ts"
import { dataOf, Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import { ask, dialHttp } from "../support/http-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { within } from "../support/waiting.ts"

let installation: Installation
let app: Identity
let port: PortProcess
let entries: Entries

beforeAll(async () => {
  installation = await Installation.make()
  app = await installation.writer("app")
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

function enter(identity: Identity): Promise<FramedClient> {
  return FramedClient.enter(port.write, installation.ca.certificate, identity)
}

function post(identity: Identity, body = eventText()) {
  return ask(port.write, installation.ca.certificate, identity, { body })
}

/** The entry behind `from` by which the port says what it did with its access list. */
function loaded(action: string, from: number) {
  return entries.find(action, ({ event }) => event.action === action, { from })
}

async function expectNoEntry(identity: Identity): Promise<void> {
  await expect(enter(identity)).rejects.toThrow()
}

describe("a changed access list", () => {
  test("takes a writer's connections away within a second of the reload, framed or not, and nobody else's", async () => {
    const doomed = await installation.writer("doomed")
    await askAdmin(installation, "POST /v1/reload")
    const [framed, http, neighbour] = [
      await enter(doomed),
      await dialHttp(port.write, installation.ca.certificate, doomed),
      await enter(app),
    ]
    const stream = new ClientStream()
    await neighbour.open(0, stream.id)
    const { size } = entries.view.head()
    installation.revoke(doomed.id)
    const ended = [framed.ended(1000), new Promise((closed) => http.once("close", closed))]
    expect((await askAdmin(installation, "POST /v1/reload")).status).toBe(200)
    await within(Promise.all(ended), 1000, "the end of the connections")
    neighbour.send(stream.batch([eventText()]))
    expect((await neighbour.ack()).batches).toMatchObject([{ accepted: 1 }])
    neighbour.destroy()
    await expectNoEntry(doomed)
    const entry = await entries.refusal("NOT_GRANTED", { from: size, writer: doomed.id })
    expect(dataOf(entry)).toMatchObject({ count: 1 })
  })

  test("is applied on SIGHUP as well, says so in the log, and lets new writers in", async () => {
    const fresh = await installation.writer("fresh")
    await expectNoEntry(fresh)
    const { size } = entries.view.head()
    port.reload()
    const entry = await loaded("postern.access.loaded", size)
    expect(dataOf(entry)).toMatchObject({
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      identities: 4,
    })
    expect((await post(fresh)).status).toBe(200)
    const { json } = await askAdmin(installation, "GET /v1/status")
    expect(json.access).toMatchObject({ port: dataOf(entry).digest })
  })

  test("applies to what a live connection sends next", async () => {
    const writer = await installation.writer("changing")
    await askAdmin(installation, "POST /v1/reload")
    const client = await enter(writer)
    const stream = new ClientStream()
    await client.open(0, stream.id)
    client.send(stream.batch([eventText()]))
    await client.ack()
    installation.grant(writer.id, { actions: ["login.*"] })
    await askAdmin(installation, "POST /v1/reload")
    client.send(stream.batch([eventText(), eventText({ action: "login.ok" })]))
    expect(await client.refused()).toMatchObject({
      refused: [{ code: "EVENT_ACTION_NOT_GRANTED", positions: [0] }],
    })
    expect((await client.ack()).batches).toMatchObject([{ accepted: 1 }])
    installation.grant(writer.id, { adapters: ["http"] })
    await askAdmin(installation, "POST /v1/reload")
    client.send(stream.batch([eventText()]))
    expect(await client.goaway()).toMatchObject({ code: "ADAPTER_NOT_GRANTED" })
  })
})

describe("what is not acceptable", () => {
  const good = () => readFileSync(installation.accessFile, "utf8")
  const broken: [string, (text: string) => string][] = [
    ["is no YAML", () => "identities: ["],
    ["has an unknown key", (text) => text.replace('"role"', '"rolle"')],
    [
      "has an identity twice",
      (text) => {
        const { identities } = JSON.parse(text)
        return JSON.stringify({ identities: [...identities, identities[0]] })
      },
    ],
    ["is empty", () => ""],
    ["is not UTF-8", (text) => text],
  ]
  test.each(broken)(
    "as a list that %s changes nothing and leaves an entry",
    async (what, spoil) => {
      const before = await askAdmin(installation, "GET /v1/status")
      const client = await enter(app)
      const { size } = entries.view.head()
      const text = good()
      const bytes = what === "is not UTF-8" ? Buffer.from([0x69, 0xff, 0xfe]) : spoil(text)
      writeFileSync(installation.accessFile, bytes)
      try {
        const { status, json } = await askAdmin(installation, "POST /v1/reload")
        expect(status).toBe(500)
        expect(json).toMatchObject({
          code: expect.stringMatching(/_INVALID$/),
          hint: expect.any(String),
        })
        const entry = await loaded("postern.access.refused", size)
        expect(entry.event.outcome).toBe("failure")
        expect(dataOf(entry).error).toEqual(expect.any(String))
        port.reload()
        await loaded("postern.access.refused", entry.index + 1)
        const after = await askAdmin(installation, "GET /v1/status")
        expect(after.json.access).toEqual(before.json.access)
      } finally {
        writeFileSync(installation.accessFile, text)
      }
      const stream = new ClientStream()
      await client.open(0, stream.id)
      client.destroy()
      expect((await post(app)).status).toBe(200)
      expect(port.isAlive).toBe(true)
    },
  )

  test("as key material changes nothing either", async () => {
    const { size } = entries.view.head()
    const file = `${installation.directory}/pki/server.crt`
    const text = readFileSync(file, "utf8")
    writeFileSync(file, installation.ca.certificate)
    try {
      expect((await askAdmin(installation, "POST /v1/reload")).status).toBe(500)
      const entry = await loaded("postern.tls.refused", size)
      expect(entry.event.outcome).toBe("failure")
    } finally {
      writeFileSync(file, text)
    }
    expect((await post(app)).status).toBe(200)
    expect((await askAdmin(installation, "POST /v1/reload")).status).toBe(200)
  })
})

describe("the admin plane", () => {
  test("answers operators only, and what it refuses is an entry", async () => {
    const { size } = entries.view.head()
    await expect(askAdmin(installation, "GET /v1/status", app)).rejects.toThrow()
    const entry = await entries.refusal("NOT_GRANTED", { from: size, writer: app.id })
    expect(dataOf(entry)).toMatchObject({ from: "admin" })
    await expectNoEntry(installation.operator)
  })

  test("says how the port is, and nothing of what is in the log", async () => {
    const { status, json } = await askAdmin(installation, "GET /v1/status")
    expect(status).toBe(200)
    expect(json).toMatchObject({
      origin: "postern.local/audit",
      vkey: installation.vkey,
      notReady: [],
    })
    expect(Number(json.durableSize)).toBeGreaterThan(3)
    expect(JSON.stringify(json)).not.toContain("invoice.deleted")
  })
})
