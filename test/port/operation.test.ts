import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { openCheckpoint } from "@postern/log/tlog"
import { afterEach, describe, expect, test } from "vitest"
import { dataOf } from "../support/entries.ts"
import { eventText } from "../support/events.ts"
import { ClientStream } from "../support/framed-client.ts"
import { Installation } from "../support/installation.ts"
import { askOps, metricOf } from "../support/ops-client.ts"
import { startPort } from "../support/port-process.ts"
import { until } from "../support/waiting.ts"
import { openWorld } from "../support/world.ts"

const { start, undo, undoAll } = openWorld()
afterEach(undoAll)

describe("the ops plane", () => {
  test("says that the port lives and is ready, and counts", async () => {
    const { port, post, entries } = await start()
    const checked = await entries.find(
      "what the clock is",
      ({ event }) => event.action === "postern.clock.checked",
    )
    expect(dataOf(checked)).toMatchObject({
      ...{ source: expect.any(String), offset: "unknown", witnesses: [] },
    })
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
    const note = await until(() => entries.view.checkpoint(), 15_000, "a checkpoint")
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
      15_000,
      "a newer checkpoint",
    )
    expect(grown.size).toBeLessThanOrEqual((await entries.all()).length)
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
    const [code] = (await once(child, "close")) as [number | null]
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
