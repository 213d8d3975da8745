import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, loadProfile, openReader } from "@postern/client"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startCommand, startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let hook: Server
let hookUrl: string
const taken: Record<string, unknown>[] = []
let refusals = 2
let written = 0

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-monitor-"))
  live = await startProcesses(join(directory, "installation"))
  hook = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on("end", () => {
      if (refusals-- > 0) return response.writeHead(500).end()
      taken.push(JSON.parse(body))
      response.writeHead(204).end()
    })
  }).listen(0, "127.0.0.1")
  await once(hook, "listening")
  hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`
})

afterAll(async () => {
  await live.stop()
  hook.closeAllConnections()
  hook.close()
  rmSync(directory, { recursive: true })
})

/** Until the newest checkpoint covers so many entries. */
async function published(size: number): Promise<void> {
  const reader = openReader(live.profiles.reader)
  await vi.waitFor(async () => {
    expect((await reader.checkpoint()).size).toBeGreaterThanOrEqual(size)
  }, within)
  reader.close()
}

/** Events, and checkpoints over at least so many entries. */
async function write(count: number): Promise<void> {
  const audit = await connect(live.profiles.writer)
  for (let i = 0; i < count; i++) {
    audit("invoice.deleted", { actor: "alice", target: `invoice/${i}`, outcome: "success" })
  }
  await audit.flush()
  await audit.close()
  written += count
  await published(written)
}

const look = (...more: string[]) =>
  runHere(["monitor", "--profile", live.profiles.reader, "--once", ...more])

function lines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
}

const within = { timeout: 40_000, interval: 100 }
/** Seconds: longer than a reader that is alive takes for an answer, however busy the machine is. */
const silent = "6"

describe("postern monitor over a running port and reader", () => {
  test("looks once, and again, while the log grows", { timeout: 120_000 }, async () => {
    await published(1)
    const first = await look("--json")
    expect([first.status, first.stderr]).toEqual([1, expect.stringContaining("CHECK_INCOMPLETE")])
    expect(lines(first.stdout)).toContainEqual(
      expect.objectContaining({ what: "alarm", alarm: "forgotten", state: "raised" }),
    )
    for (const count of [10, 300, 700]) {
      await write(count)
      const { status, stdout, stderr } = await look("--json")
      expect(status, stderr).toBe(0)
      expect(lines(stdout)).toContainEqual(
        expect.objectContaining({ what: "derived", saw: "entries" }),
      )
    }
    expect((await look("--begin")).stderr).toContain("ALREADY_EXISTS")
    const state = join(directory, "second")
    const begun = await look("--state", state, "--begin")
    expect(begun.status, begun.stderr).toBe(0)
    expect(begun.stdout).toContain("for the first time")
  })

  test("needs no more than the grant monitor", { timeout: 120_000 }, async () => {
    const added = await runHere([
      "reader",
      "add",
      "watcher",
      "--see",
      "monitor",
      "--config",
      live.config.file,
      "--json",
    ])
    expect(added.status, added.stderr).toBe(0)
    const { profile } = JSON.parse(added.stdout)
    const { status, stdout, stderr } = await runHere([
      "monitor",
      "--profile",
      profile,
      "--once",
      "--begin",
      "--json",
    ])
    expect(status, stderr).toBe(0)
    expect(lines(stdout)).toContainEqual(
      expect.objectContaining({ what: "derived", saw: "hashes" }),
    )
    const beat = ["monitor", "--profile", profile, "--once", "--heartbeat", "20"]
    expect((await runHere(beat)).status).toBe(2)
  })

  test("tells when the reader is gone, and when it is back", { timeout: 180_000 }, async () => {
    const options = ["--json", "--every", "1", "--silent", silent, "--webhook", hookUrl]
    const monitor = startCommand(["monitor", "--profile", live.profiles.reader, ...options])
    try {
      await vi.waitFor(() => expect(monitor.said.stdout).toContain('"what":"opened"'), within)
      await write(5)
      await vi.waitFor(() => expect(monitor.said.stdout).toContain('"what":"derived"'), within)
      const heard = async (state: string) => {
        const alarm = { alarm: "unreachable", state, severity: "warning" }
        await vi.waitFor(() => expect(taken.shift()).toMatchObject(alarm), within)
      }
      await live.end("reader", "SIGKILL")
      await heard("raised")
      expect((await look("--state", join(directory, "second"))).status).toBe(4)
      await live.start("reader")
      await heard("recovered")
      // Connections that stay open and bring nothing: a machine without power.
      live.hold("reader")
      await heard("raised")
      live.release("reader")
      await heard("recovered")
      const alarms = lines(monitor.said.stdout).filter(({ what }) => what === "alarm")
      expect(alarms.map(({ state }) => state)).toEqual([
        "raised",
        "recovered",
        "raised",
        "recovered",
      ])
      expect(monitor.said.stderr).toContain("status 500")
      await write(5)
    } finally {
      expect(await monitor.stop()).toBe(0)
    }
  })

  test("tells when only the reader is alive, if it may ask for a heartbeat", {
    timeout: 180_000,
  }, async () => {
    const options = ["--json", "--every", "1", "--silent", silent, "--heartbeat", "2"]
    const monitor = startCommand(["monitor", "--profile", live.profiles.reader, ...options])
    try {
      const said = () => monitor.said.stdout
      await vi.waitFor(() => expect(said()).toContain('"what":"derived"'), within)
      await live.end("port", "SIGKILL")
      await vi.waitFor(() => expect(said()).toContain('"alarm":"idle"'), within)
      await live.start("port")
      await vi.waitFor(() => expect(said()).toMatch(/"idle".*"recovered"/), within)
      expect(said()).not.toContain("unreachable")
    } finally {
      expect(await monitor.stop()).toBe(0)
    }
  })

  test("shows a log that was rewritten and signed again", { timeout: 180_000 }, async () => {
    const believed = await look()
    expect(believed.status, believed.stderr).toBe(0)
    await live.stop()
    rmSync(join(live.directory, "data"), { recursive: true })
    const { spool } = loadProfile(live.profiles.writer)
    if (spool !== undefined) rmSync(spool, { recursive: true, force: true })
    await live.start("port")
    await live.start("reader")
    written = 0
    await published(1)
    const shorter = await look()
    expect([shorter.status, shorter.stderr]).toEqual([
      3,
      expect.stringContaining("LOG_ROLLED_BACK"),
    ])
    await write(2000)
    const longer = await look("--json", "--webhook", hookUrl)
    expect([longer.status, longer.stderr]).toEqual([3, expect.stringContaining("contradiction")])
    const alarm = lines(longer.stdout).find(({ alarm: name }) => name === "contradiction")
    const evidence = String(alarm?.evidence)
    expect(readdirSync(evidence).sort()).toEqual([
      "believed-checkpoint",
      "facts.json",
      "shown-checkpoint",
    ])
    expect(readFileSync(join(evidence, "facts.json"), "utf8")).toContain(
      "not those that were signed",
    )
    expect(taken).toContainEqual(expect.objectContaining({ alarm: "contradiction", evidence }))
    expect((await look()).status).toBe(3)
  })
})
