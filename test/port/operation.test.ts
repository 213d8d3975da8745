import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { openCheckpoint } from "@postern/log/tlog"
import { afterEach, describe, expect, test } from "vitest"
import { dataOf, Entries } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ClientStream, FramedClient } from "../support/framed-client.ts"
import { ask } from "../support/http-client.ts"
import { Installation } from "../support/installation.ts"
import { askOps, metricOf } from "../support/ops-client.ts"
import { startPort } from "../support/port-process.ts"
import { createSmallDisk, type SmallDisk, whyNoSmallDisk } from "../support/small-disk.ts"
import { until } from "../support/waiting.ts"

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** An installation, its writer `app` and its running port; all of it is gone after the test. */
async function start(parent?: string) {
  const installation = await Installation.make(parent)
  undo.push(() => installation.remove())
  const app = await installation.writer("app")
  const port = await startPort(installation.configFile)
  undo.push(() => (port.isAlive ? port.end("SIGKILL") : undefined))
  const entries = await Entries.follow(installation.log)
  undo.push(() => entries.close())
  const enter = async () => {
    const client = await FramedClient.enter(port.write, installation.ca.certificate, app)
    undo.push(() => client.destroy())
    return client
  }
  const post = (body = eventText()) => ask(port.write, installation.ca.certificate, app, { body })
  return { installation, app, port, entries, enter, post }
}

describe("the ops plane", () => {
  test("says that the port lives and is ready, and counts", async () => {
    const { port, post } = await start()
    expect(await askOps(port.ops, "/livez")).toMatchObject({ status: 200, text: "alive\n" })
    expect(await askOps(port.ops, "/readyz")).toMatchObject({ status: 200, text: "ready\n" })
    expect(await askOps(port.ops, "/readyz?verbose", "HEAD")).toMatchObject({
      status: 200,
      text: "",
    })
    const before = (await askOps(port.ops, "/metrics")).text
    await post(`[${eventText()},${eventText()},{}]`)
    const { text, headers } = await askOps(port.ops, "/metrics")
    expect(headers.get("content-type")).toContain("text/plain")
    const grown = (name: string) => metricOf(text, name) - metricOf(before, name)
    expect(grown("postern_events_received_total")).toBe(3)
    expect(grown("postern_refused_total")).toBe(1)
    expect(grown("postern_slots_durable_total")).toBeGreaterThan(0)
    expect(grown("postern_entries_durable")).toBeGreaterThanOrEqual(3)
    expect(metricOf(text, "postern_ready")).toBe(1)
    expect(text).not.toContain("invoice")
  })

  test("has nothing else, and takes nothing", async () => {
    const { port } = await start()
    for (const path of ["/", "/v1/events", "/v1/status", "/checkpoint", "/livez/x"]) {
      expect((await askOps(port.ops, path)).status, path).toBe(404)
    }
    for (const path of ["/livez", "/metrics"]) {
      expect((await askOps(port.ops, path, "POST")).status).toBe(405)
    }
    const { metrics } = { metrics: (await askOps(port.ops, "/metrics")).text }
    expect(metrics).toContain("postern_process_resident_memory_bytes")
  })
})

describe("checkpoints", () => {
  test("are signed about once a second while the log grows, and cover what is durable", async () => {
    const { installation, entries, post } = await start()
    await post()
    const note = await until(() => entries.view.checkpoint(), 5000, "a checkpoint")
    const first = await openCheckpoint(note, installation.vkey)
    await post()
    const grown = await until(
      async () => {
        const newer = await openCheckpoint(
          (await entries.view.checkpoint()) ?? "",
          installation.vkey,
        )
        return newer.size > first.size ? newer : undefined
      },
      5000,
      "a newer checkpoint",
    )
    expect(grown.size).toBeLessThanOrEqual(entries.view.head().size)
    const signed = JSON.parse(readFileSync(`${installation.log}/last-signed`, "utf8"))
    expect(signed.size).toBeGreaterThanOrEqual(grown.size)
  })
})

describe("SIGTERM", () => {
  test("drains: acknowledges, says goodbye to writers and in the log, and ends with 0", async () => {
    const { installation, port, entries, enter } = await start()
    const client = await enter()
    const stream = new ClientStream()
    await client.open(0, stream.id)
    client.send(stream.batch([eventText(), eventText()]))
    await client.ack()
    const ending = port.end("SIGTERM")
    expect(await client.goaway()).toMatchObject({ code: "SHUTTING_DOWN", hint: expect.any(String) })
    await client.ended()
    expect(await ending).toBe(0)
    const all = await entries.all()
    const last = all.at(-1)
    expect(last?.event.action).toBe("postern.stopped")
    const note = (await entries.view.checkpoint()) ?? ""
    expect((await openCheckpoint(note, installation.vkey)).size).toBe(all.length)
    const refused = all.filter(({ event }) => event.action === "postern.refused")
    expect(refused).toEqual([])
    const again = await startPort(installation.configFile)
    const started = await entries.find(
      "the next start",
      ({ event }) => event.action === "postern.started",
      {
        from: all.length,
      },
    )
    expect(dataOf(started)).toMatchObject({ size: all.length, pid: again.pid })
    expect(await again.end("SIGTERM")).toBe(0)
  })

  test("does not take from anybody what was acknowledged a moment before", async () => {
    const { port, entries, enter } = await start()
    const client = await enter()
    const stream = new ClientStream()
    const { open } = await client.open(0, stream.id)
    for (let i = 0; i < 50; i++) client.send(stream.batch([eventText()]))
    await client.ack()
    const ending = port.end("SIGTERM")
    let acked = 0
    for (let frame = await client.next(); frame !== undefined; frame = await client.next())
      acked += 1
    expect(await ending).toBe(0)
    expect(acked).toBeGreaterThan(0)
    const mine = (await entries.all()).filter(({ stamp }) => stamp.open === open)
    expect(mine.map(({ stamp }) => stamp.sequence)).toEqual(mine.map((_, i) => i))
  })
})

describe("a port that cannot start", () => {
  async function startFails(configFile: string): Promise<{ code: number | null; said: string }> {
    const main = fileURLToPath(new URL("../../packages/server/dist/port/main.js", import.meta.url))
    const child = spawn(process.execPath, [main, configFile], {
      stdio: ["ignore", "ignore", "pipe"],
    })
    undo.push(() => child.kill("SIGKILL"))
    let said = ""
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString()
    })
    const [code] = (await once(child, "exit")) as [number | null]
    return { code, said }
  }

  test("says why, with a hint, and ends with 78: the log is another's", async () => {
    const { installation, port, post } = await start()
    const { code, said } = await startFails(installation.configFile)
    expect(code).toBe(78)
    expect(said).toContain("LOG_LOCKED")
    expect(said).toContain("stop the other process")
    expect(port.isAlive).toBe(true)
    expect((await post()).status).toBe(200)
  })

  test("because its address is taken", async () => {
    const { port } = await start()
    const other = await Installation.make()
    undo.push(() => other.remove())
    const text = readFileSync(other.configFile, "utf8")
    writeFileSync(other.configFile, text.replace("127.0.0.1:0", `127.0.0.1:${port.write.port}`))
    const { code, said } = await startFails(other.configFile)
    expect(code).toBe(78)
    expect(said).toContain("ADDRESS_IN_USE")
    // What it had begun to write is a whole log all the same.
    writeFileSync(other.configFile, text)
    const again = await startPort(other.configFile)
    expect(await again.end("SIGTERM")).toBe(0)
  })

  test("because its log is damaged", async () => {
    const { installation, port } = await start()
    await port.end("SIGTERM")
    const file = `${installation.log}/segments/0000000000000000.seg`
    const bytes = readFileSync(file)
    bytes[300] = (bytes[300] ?? 0) ^ 1
    writeFileSync(file, bytes)
    const { code, said } = await startFails(installation.configFile)
    expect(code).toBe(78)
    expect(said).toContain("LOG_DAMAGED")
  })

  test("because there is no configuration", async () => {
    const { code, said } = await startFails("/nowhere/postern.yaml")
    expect(code).toBe(78)
    expect(said).toContain("CONFIG_INVALID")
  })
})

const why = whyNoSmallDisk()
describe.skipIf(why !== undefined)(
  `a full disk${why === undefined ? "" : ` (not here: ${why})`}`,
  () => {
    function newDisk(bytes: number): SmallDisk {
      const disk = createSmallDisk(bytes)
      undo.push(() => disk.remove())
      return disk
    }

    /** Sends batches until one is not acknowledged any more. */
    async function fillUp(
      client: FramedClient,
      stream: ClientStream,
    ): Promise<{ sent: number; acked: number }> {
      let [sent, acked] = [0, 0]
      for (;;) {
        client.send(stream.batch([eventText({ data: { x: "y".repeat(30_000) } })]))
        sent += 1
        const frame = await client.next(1500).catch(() => undefined)
        if (frame === undefined) return { sent, acked }
        acked += 1
      }
    }

    test("stops the acks, /readyz says why, reading goes on, and it goes on by itself", async () => {
      const disk = newDisk(24 << 20)
      const { port, entries, enter, post } = await start(disk.path)
      const client = await enter()
      const stream = new ClientStream()
      const { open } = await client.open(0, stream.id)
      disk.fill(64 << 10)
      const { sent, acked } = await fillUp(client, stream)
      expect(sent).toBe(acked + 1)
      const ready = await askOps(port.ops, "/readyz")
      expect(ready.status).toBe(503)
      expect(ready.text).toContain("the log's disk has been full since")
      expect((await askOps(port.ops, "/livez")).status).toBe(200)
      const refused = await post()
      expect(refused).toMatchObject({
        status: 503,
        json: { code: "DISK_FULL" },
        headers: { "retry-after": "1" },
      })
      const { size } = entries.view.head()
      expect((await entries.view.leaves(0, size)).length).toBeGreaterThan(acked)
      disk.free()
      const ack = await client.ack()
      expect(ack.batches).toMatchObject([{ sequence: acked, accepted: 1 }])
      expect((await askOps(port.ops, "/readyz")).status).toBe(200)
      expect((await post()).status).toBe(200)
      await entries.refusal("DISK_FULL", { from: size })
      const mine = (await entries.all()).filter(({ stamp }) => stamp.open === open)
      expect(mine.map(({ stamp }) => stamp.sequence)).toEqual(
        Array.from({ length: sent }, (_, i) => i),
      )
      expect(await port.end("SIGTERM")).toBe(0)
    })

    test("loses nothing that was acknowledged if the port is killed meanwhile", async () => {
      const disk = newDisk(24 << 20)
      const { installation, port, enter } = await start(disk.path)
      const client = await enter()
      const stream = new ClientStream()
      const { open } = await client.open(0, stream.id)
      disk.fill(64 << 10)
      const { acked } = await fillUp(client, stream)
      await port.end("SIGKILL")
      disk.free()
      const again = await startPort(installation.configFile)
      undo.push(() => again.end("SIGKILL"))
      const entries = await Entries.follow(installation.log)
      undo.push(() => entries.close())
      await entries.find(
        "the new start",
        ({ event }) => dataOf({ event } as never).pid === again.pid,
      )
      const mine = (await entries.all()).filter(({ stamp }) => stamp.open === open)
      expect(mine.length).toBeGreaterThanOrEqual(acked)
      expect(mine.map(({ stamp }) => stamp.sequence)).toEqual(mine.map((_, i) => i))
    })
  },
)
