import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { connect, loadProfile } from "@postern/client"
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

const postern = fileURLToPath(new URL("../../bin/postern.cjs", import.meta.url))
let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-door-"))
  live = await startProcesses(join(directory, "installation"))
})
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill("SIGKILL")
})

/** `postern console` as a person runs it, and a browser that follows its link. */
async function startConsole(profile: string) {
  const args = ["console", "--profile", profile, "--no-open", "--port", "0"]
  const child = spawn(process.execPath, [postern, ...args], { stdio: ["pipe", "pipe", "ignore"] })
  running.add(child)
  child.once("exit", () => running.delete(child))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const nextLink = async () => new URL(String((await lines.next()).value).replace(/^Open: /, ""))
  const link = await nextLink()
  const get = (path: string, cookie = "") => fetch(new URL(path, link), { headers: { cookie } })

  async function enter(by: URL): Promise<string> {
    const body = JSON.stringify({ once: by.hash.replace("#once=", "") })
    const headers = { origin: link.origin, "content-type": "application/json" }
    const answer = await fetch(new URL("/once", link), { method: "POST", headers, body })
    return answer.headers.get("set-cookie")?.split(";")[0] ?? `status ${answer.status}`
  }

  async function stop(): Promise<number | null> {
    const exit = once(child, "exit")
    child.kill("SIGINT")
    return ((await exit) as [number | null])[0]
  }

  return { link, nextLink, get, enter, stop, press: () => child.stdin.write("\n") }
}

test("a browser without a certificate reads through the printed link what the profile may see", async () => {
  const door = await startConsole(live.profiles.reader)
  expect(door.link.hostname).toBe("127.0.0.1")
  expect((await door.get("/v1/status")).status).toBe(401)
  const cookie = await door.enter(door.link)
  expect(await (await door.get("/v1/status", cookie)).json()).toMatchObject({ see: "auditor" })
  expect(await (await door.get("/", cookie)).text()).toMatch(/Postern|npm run build:console/)
  expect(await door.enter(door.link)).toBe("status 401")
  door.press()
  expect(await door.enter(await door.nextLink())).toMatch(/^postern-door-/)
  expect(await door.stop()).toBe(0)
})

test("a tail runs live through the door", async () => {
  const door = await startConsole(live.profiles.reader)
  const cookie = await door.enter(door.link)
  const tail = await door.get("/v1/tail", cookie)
  expect(tail.headers.get("content-type")).toBe("text/event-stream")
  const audit = await connect(live.profiles.writer)
  audit("door.tested", { actor: "alice" })
  await audit.flush()
  await audit.close()
  let text = ""
  for await (const chunk of tail.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes("door.tested")) break
  }
  expect(text).toContain("event: entry")
  expect(await door.stop()).toBe(0)
})

test("the house behind the door: writers, port, access and log as they are", async () => {
  const door = await startConsole(live.profiles.reader)
  const cookie = await door.enter(door.link)
  // biome-ignore lint/suspicious/noExplicitAny: the read API's own tests hold it against the schema.
  const house = async (path: string): Promise<any> => (await door.get(path, cookie)).json()
  const audit = await connect(live.profiles.writer)
  await audit.confirm("door.counted", { actor: "alice" })
  await audit.close()
  const { id } = loadProfile(live.profiles.writer)
  await vi.waitFor(
    async () => {
      const { complete, writers } = await house("/v1/writers")
      expect(complete).toBe(true)
      const own = writers.find((one: { id: string }) => one.id === id)
      expect(own.entries).toBeGreaterThan(0)
      expect(own.perHour.at(-1) + own.perHour.at(-2)).toBe(own.entries)
      expect(own.certificate.lifeUsed).toBeLessThan(0.1)
      expect(own.addresses).toEqual(["127.0.0.1"])
      expect(own.grant.adapters).toContain("postern")
    },
    { timeout: 10_000, interval: 200 },
  )
  const port = await house("/v1/port")
  expect(port.ready).toMatchObject({ ok: true })
  expect(port.ready.lines[0]).toBe("ready")
  expect(port.ackMs.p99).toBeGreaterThanOrEqual(port.ackMs.p50)
  expect(port.sessions).toBeGreaterThanOrEqual(1)
  expect(port.disk.freeBytes).toBeGreaterThan(0)
  const { identities, digest } = await house("/v1/access")
  expect(digest).toBe((await house("/v1/status")).access)
  expect(identities.map(({ id }: { id: string }) => id)).toContain(id)
  const { vkey, keys, segments, size } = await house("/v1/log")
  expect(keys).toEqual([{ vkey, from: 0, to: null }])
  expect(segments[0]).toMatchObject({ first: 0, entries: size })
  expect(await door.stop()).toBe(0)
})

test("a profile that is revoked while the console is open gets a clear page and no row more", async () => {
  const config = live.config.file
  const made = await runHere(["reader", "add", "leaver", "--config", config])
  expect(made.status, made.stderr).toBe(0)
  const profile = join(live.directory, "profiles", "reader-leaver.yaml")
  const door = await startConsole(profile)
  const cookie = await door.enter(door.link)
  expect((await door.get("/v1/status", cookie)).status).toBe(200)
  const revoked = await runHere(["access", "revoke", "leaver", "--config", config])
  expect(revoked.status, revoked.stderr).toBe(0)
  await vi.waitFor(
    async () => expect((await door.get("/v1/status", cookie)).status).toBe(403),
    10_000,
  )
  const problem = await (await door.get("/v1/entries", cookie)).json()
  expect(problem).toMatchObject({ code: "NOT_GRANTED", status: 403 })
  const page = await door.get("/", cookie)
  expect([page.status, page.headers.get("content-type")]).toEqual([403, "text/html; charset=utf-8"])
  expect(await page.text()).toContain("holds no grant")
  expect(await door.stop()).toBe(0)
})

test("says at once what is no reader's profile, and which port is taken", async () => {
  const writer = await runHere(["console", "--profile", live.profiles.writer, "--no-open"])
  expect([writer.status, writer.stderr]).toEqual([2, expect.stringContaining("of a writer")])
  const port = /:(\d+)/.exec(readFileSync(live.profiles.reader, "utf8"))?.[1] ?? ""
  const taken = ["console", "--profile", live.profiles.reader, "--no-open", "--port", port]
  expect(await runHere(taken)).toMatchObject({ status: 78 })
})
