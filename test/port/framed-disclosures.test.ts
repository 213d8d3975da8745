import { fork } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Audit, connect, type Problem } from "@postern/client"
import { encodeUtf8, formatHex } from "@postern/log/base"
import { digestsOf, discloseEvent, disclosureDigest, encodeDisclosure } from "@postern/log/event"
import { encodeDisclosurePart, encodeFrame, frameTypes } from "@postern/log/wire"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { openDisclosures } from "../../packages/server/dist/disclosures/index.js"
import { Entries, type Indexed } from "../support/entries.ts"
import { eventOf } from "../support/events.ts"
import { readBelow } from "../support/files.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import { type Identity, Installation } from "../support/installation.ts"
import { type PortProcess, startPort } from "../support/port-process.ts"
import { until, within } from "../support/waiting.ts"

const longMs = 60_000
let installation: Installation
let port: PortProcess
let entries: Entries
let audit: Audit | undefined
const problems: Problem[] = []
/** Who is refused is a writer that nobody has used before, so that its refusals are entries at once. */
const names = [
  "handing",
  "naming",
  "lying",
  "babbling",
  "interleaving",
  "leaving",
  "sdk",
  "killed",
  "again",
]
const writers = new Map<string, Identity>()

beforeAll(async () => {
  installation = await Installation.make()
  // Without a policy values are kept for good as they are handed over; with one: policy-large.test.ts.
  const { configFile, directory } = installation
  rmSync(join(directory, "policy.yaml"))
  writeFileSync(configFile, readFileSync(configFile, "utf8").replace(/^policy:.*\n/m, ""))
  for (const name of names) writers.set(name, await installation.writer(name))
  port = await startPort(installation.configFile)
  entries = await Entries.follow(installation.log)
})

afterAll(async () => {
  await audit?.close(0)
  await entries?.close()
  await port?.end("SIGKILL")
  installation?.remove()
})

function writer(name: string): Identity {
  const identity = writers.get(name)
  if (identity === undefined) throw new Error(`there is no writer ${name}`)
  return identity
}

/** A writer's profile in a file, which is read again at each attempt to connect. */
function profileOf(name: string): string {
  return installation.profileOf(writer(name), port.write)
}

function enter(name: string): Promise<FramedClient> {
  return FramedClient.enter(port.write, installation.ca.certificate, writer(name))
}

async function restart(): Promise<void> {
  await port.end("SIGKILL")
  port = await startPort(installation.configFile)
}

const sealedDirectory = () => join(installation.directory, "data", "disclosures")
const store = () =>
  openDisclosures({ sealed: sealedDirectory(), keys: join(installation.directory, "sealing") })

function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Where the digest is kept sealed. */
function sealedFiles(digest: string): string[] {
  const name = formatHex(Buffer.from(digest, "base64url"))
  return filesBelow(sealedDirectory()).filter((path) => path.endsWith(`/${name}`))
}

/** The event as it was before its values were kept out, out of the entry and what is kept sealed. */
async function whole({ event }: Indexed): Promise<Record<string, unknown>> {
  const found = await Promise.all(digestsOf(event).map((digest) => store().read(digest)))
  const values = found.map((one) => {
    if (one.state !== "held") throw new Error(`a disclosure is ${one.state}`)
    return one.json
  })
  return discloseEvent(event, values)
}

const idOf = ({ event }: Indexed) => event.id
const withId = async (id: string) => (await entries.all()).filter((entry) => idOf(entry) === id)
const find = (id: string) => entries.find(id, (entry) => idOf(entry) === id)
const secretOf = (bytes: number) => "s3cr3t".repeat(bytes / 6)

const json = encodeDisclosure("_26bc4LT-ac6q2KI6cBW5es", "data", encodeUtf8('{"a":"body"}'))
const digest = disclosureDigest(json)

/** DISCLOSURE frames, cut where the test wants it. */
function frames(bytes: Uint8Array, at: readonly number[], named = disclosureDigest(bytes)) {
  const cuts = [0, ...at, bytes.length]
  return cuts.slice(1).map((end, i) => {
    const part = bytes.subarray(cuts[i], end)
    const isMore = end < bytes.length
    const body = { digest: Buffer.from(named, "base64url"), isMore, part }
    return encodeFrame(frameTypes.disclosure, encodeDisclosurePart(body))
  })
}

describe("a writer that hands values over", () => {
  test("has them sealed before its batch is taken, and the event names them", async () => {
    const client = await enter("handing")
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const { data: _, ...rest } = eventOf({ id: "handed", data: {} })
    const named = JSON.stringify({ ...rest, _sd: [digest] })
    client.send(...frames(json, [10, 20]), stream.batch([named]))
    expect((await client.ack()).batches).toMatchObject([{ accepted: 1 }])
    expect(sealedFiles(digest)).toHaveLength(1)
    const entry = await find("handed")
    expect(await whole(entry)).toEqual({ ...rest, data: { a: "body" } })
    // Known for good: another batch may name it without handing it over again.
    client.send(stream.batch([JSON.stringify({ ...rest, id: "again", _sd: [digest] })]))
    expect((await client.ack()).batches).toMatchObject([{ accepted: 1 }])
    client.destroy()
  })

  test("and one that names what it did not hand over has its event refused", async () => {
    const client = await enter("naming")
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const { data: _, ...rest } = eventOf({ data: {} })
    client.send(stream.batch([JSON.stringify({ ...rest, _sd: ["A".repeat(43)] })]))
    expect(await client.refused()).toMatchObject({
      refused: [{ code: "EVENT_DISCLOSURE", positions: [0] }],
    })
    client.destroy()
  })

  test.each([
    ["another digest", "lying", () => frames(json, [10], "A".repeat(43))],
    ["what is no disclosure", "babbling", () => frames(encodeUtf8('["salt","data",{}]'), [])],
    [
      "a batch in between",
      "interleaving",
      () => [frames(json, [10])[0], new ClientStream().batch(["{}"])],
    ],
  ])("and sends %s is told to go, which is an entry, and keeps nothing", async (_, name, make) => {
    const client = await enter(name)
    await client.open(0, new ClientStream().id)
    const before = filesBelow(sealedDirectory()).length
    client.send(...make().map((frame) => frame ?? new Uint8Array()))
    expect(await client.goaway()).toMatchObject({ code: "DISCLOSURE_SYNTAX" })
    await entries.refusal("DISCLOSURE_SYNTAX", { writer: writer(name).id })
    expect(filesBelow(sealedDirectory())).toHaveLength(before)
    client.destroy()
  })

  test("and is gone in the middle leaves nothing, and the next one is served", async () => {
    const large = encodeDisclosure(
      "_26bc4LT-ac6q2KI6cBW5es",
      "data",
      encodeUtf8(JSON.stringify({ x: "x".repeat(90_000) })),
    )
    const before = filesBelow(sealedDirectory()).length
    for (let i = 0; i < 6; i++) {
      const client = await enter("leaving")
      await client.open(0, new ClientStream().id)
      const [first = new Uint8Array()] = frames(large, [40_000, 80_000])
      client.send(first)
      // Its credit comes back, so it was taken.
      expect((await client.next())?.type).toBe(frameTypes.credit)
      client.destroy()
    }
    expect(filesBelow(sealedDirectory())).toHaveLength(before)
    const client = await enter("leaving")
    const stream = new ClientStream()
    await client.open(0, stream.id)
    const { data: _, ...rest } = eventOf({ data: {} })
    const named = JSON.stringify({ ...rest, _sd: [disclosureDigest(large)] })
    client.send(...frames(large, [40_000, 80_000]))
    expect((await client.next())?.type).toBe(frameTypes.credit)
    client.send(stream.batch([named]))
    for (;;) {
      const frame = await client.next()
      if (frame?.type === frameTypes.ack) break
      expect(frame?.type).toBe(frameTypes.credit)
    }
    client.destroy()
  })
})

describe("a large event through the SDK", () => {
  const bytes = 5_000_000 - (5_000_000 % 6)

  test(
    "is acknowledged with its receipt; its entry names the value, which lies sealed on disk",
    async () => {
      audit = await connect(profileOf("sdk"), { onProblem: (one) => problems.push(one) })
      const details = { id: "large", actor: "alice", data: { secret: secretOf(bytes) } } as const
      const receipt = await within(audit.confirm("invoice.read", details), longMs, "the receipt")
      expect(receipt).toMatchObject({ index: expect.any(Number) })
      const entry = await find("large")
      expect(JSON.stringify(entry.event).length).toBeLessThan(600)
      const digests = digestsOf(entry.event)
      expect(digests).toHaveLength(1)
      expect(sealedFiles(digests[0] ?? "")).toHaveLength(1)
      expect(await whole(entry)).toMatchObject({ data: details.data })
      for (const { path, bytes: held } of readBelow(join(installation.directory, "data"))) {
        expect(held.includes("s3cr3ts3cr3t"), path).toBe(false)
        expect(held.includes(Buffer.from("s3cr3ts3cr3t").toString("base64")), path).toBe(false)
      }
      expect(problems).toEqual([])
    },
    longMs,
  )

  test(
    "is there once, with its value, though application and port were killed before it was acknowledged",
    async () => {
      const file = profileOf("killed")
      // The port stands still, so nothing is acknowledged before both are killed.
      process.kill(port.pid, "SIGSTOP")
      const script = join(import.meta.dirname, "large-writer.ts")
      const child = fork(script, [file, "survivor", String(bytes)])
      await within(once(child, "message"), longMs, "the spool")
      child.kill("SIGKILL")
      await once(child, "exit")
      await restart()
      expect(await withId("survivor")).toEqual([])
      const next = await connect(profileOf("killed"), { onProblem: () => undefined })
      await next.flush(longMs)
      await next.close()
      await find("survivor")
      const found = await withId("survivor")
      expect(found).toHaveLength(1)
      for (const one of found)
        expect(await whole(one)).toMatchObject({ data: { secret: secretOf(bytes) } })
    },
    longMs,
  )

  test(
    "is there once, with its value, though the port is killed while it comes",
    async () => {
      const application = await connect(profileOf("again"), { onProblem: () => undefined })
      const ids: string[] = []
      for (let round = 0; round < 3; round++) {
        const before = filesBelow(sealedDirectory()).length
        for (let i = 0; i < 3; i++) {
          const id = `round-${round}.${i}`
          ids.push(
            application("invoice.read", {
              id,
              actor: "a",
              data: { secret: secretOf(900_000 + 6 * i) },
            }),
          )
        }
        // The first value is on its way, or there; the rest is not.
        const isBegun = () => filesBelow(sealedDirectory()).length > before || undefined
        await until(isBegun, longMs, "a sealed file")
        await restart()
        profileOf("again")
        await application.flush(longMs)
      }
      await application.close()
      await find("round-2.2")
      const all = (await entries.all()).filter((entry) => ids.includes(String(idOf(entry))))
      expect(all.map(idOf)).toEqual(ids)
      for (const [at, entry] of all.entries()) {
        expect(await whole(entry)).toMatchObject({
          data: { secret: secretOf(900_000 + 6 * (at % 3)) },
        })
      }
    },
    longMs,
  )
})
