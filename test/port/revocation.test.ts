import { type ChildProcess, spawn } from "node:child_process"
import { createHash, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, test } from "vitest"
import { Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { within } from "../support/waiting.ts"

const postern = fileURLToPath(new URL("../../packages/server/bin/postern.cjs", import.meta.url))
const neighbourCount = 6
const eventsInBatch = 50
/** What a machine that does other things meanwhile may take; the figure that counts is printed. */
const generousMs = 20_000

let installation: Installation
let port: PortProcess
let entries: Entries
const neighbours: { client: FramedClient; stopped: boolean; sent: number; done: Promise<void> }[] =
  []

beforeAll(async () => {
  installation = await Installation.make()
  const names = Array.from({ length: neighbourCount }, (_, n) => `neighbour${n}`)
  const identities = await Promise.all(names.map((name) => installation.writer(name)))
  for (const kind of ["identity", "serial", "key"]) await installation.writer(`leaver-${kind}`)
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
  for (const identity of identities) {
    const neighbour = {
      client: await enter(identity),
      stopped: false,
      sent: 0,
      done: Promise.resolve(),
    }
    neighbour.done = keepWriting(neighbour)
    neighbours.push(neighbour)
  }
})

afterAll(async () => {
  for (const one of neighbours) one.stopped = true
  await Promise.all(neighbours.map(({ done }) => done))
  for (const { client } of neighbours) client.destroy()
  await entries?.close()
  await port?.end("SIGTERM")
  installation?.remove()
})

function enter(identity: Identity): Promise<FramedClient> {
  return FramedClient.enter(port.write, installation.ca.certificate, identity)
}

/** One batch after the other, each as soon as the one before is durable. */
async function keepWriting(writer: (typeof neighbours)[number]): Promise<void> {
  const stream = new ClientStream()
  await writer.client.open(0, stream.id)
  while (!writer.stopped) {
    const events = Array.from({ length: eventsInBatch }, () => eventText())
    writer.client.send(stream.batch(events))
    await writer.client.ack()
    writer.sent += eventsInBatch
  }
}

/** Sends without end; gives when the last byte came and when the connection was gone. */
async function writeUntilCut(client: FramedClient): Promise<{ lastByte: number; gone: number }> {
  let lastByte = 0
  client.socket.on("data", () => {
    lastByte = performance.now()
  })
  const gone = new Promise<number>((resolve) => {
    client.socket.once("close", () => resolve(performance.now()))
  })
  const stream = new ClientStream()
  await client.open(0, stream.id)
  const sending = (async () => {
    for (;;) {
      client.send(stream.batch([eventText()]))
      await client.ack()
    }
  })()
  await sending.catch(() => undefined) // The cut ends it; that is looked at by time.
  return { lastByte, gone: await gone }
}

test.each(["identity", "serial", "key"])(
  "an operator's command cuts a writer's sessions by %s under load, at once",
  async (kind) => {
    const leaver = await installation.issue(`writer/leaver-${kind}`)
    const { serialNumber, publicKey } = new X509Certificate(leaver.certificate)
    const spki = publicKey.export({ type: "spki", format: "der" })
    const what = {
      identity: leaver.id,
      serial: `serial=${serialNumber}`,
      key: `key=${createHash("sha256").update(spki).digest("hex")}`,
    }[kind] as string
    const clients = [await enter(leaver), await enter(leaver)]
    const cut = Promise.all(clients.map(writeUntilCut))
    await entries.find("the leaver's stream", ({ event }) => {
      return JSON.stringify(event.targets).includes(leaver.id)
    })
    const sentBefore = neighbours.map(({ sent }) => sent)
    const began = performance.now()
    const child = revoke(what)
    try {
      const times = await within(cut, generousMs, "the end of the sessions")
      const [lastByte, gone] = [
        Math.max(...times.map((time) => time.lastByte)),
        Math.max(...times.map((time) => time.gone)),
      ].map((time) => Math.round(time - began))
      console.log(`revoked by ${kind}: last byte ${lastByte} ms, cut ${gone} ms after the command`)
      await expect(enter(leaver)).rejects.toThrow()
      const code = kind === "identity" ? "NOT_GRANTED" : "CERTIFICATE_REVOKED"
      await entries.refusal(code, { from: 0, writer: leaver.id })
    } finally {
      child.kill("SIGKILL") // It would wait for a reader process, which is not there.
    }
    for (const [at, { sent }] of neighbours.entries()) {
      expect(sent).toBeGreaterThan(sentBefore[at] ?? 0)
    }
  },
  60_000,
)

test("whoever shows another certificate of a writer whose serial number was revoked comes in", async () => {
  const again = await installation.issue("writer/leaver-serial")
  const client = await enter(again)
  client.destroy()
  expect(readFileSync(installation.accessFile, "utf8")).toContain("revoked")
})

function revoke(what: string): ChildProcess {
  const args = [postern, "access", "revoke", what, "--config", installation.configFile]
  return spawn(process.execPath, args, { stdio: "ignore" })
}
