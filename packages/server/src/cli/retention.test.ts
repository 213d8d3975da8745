import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest"
import { listSegments } from "../disk/index.ts"
import { verifyDirectory } from "../guard/verify/index.ts"
import { exitCodes } from "./exit-code.ts"
import {
  type LivePort,
  runHere,
  startLivePort,
  startProcessLater,
  writeProfile,
} from "./live-port.test.support.ts"

const dayMs = 86_400_000
let directory: string
let live: LivePort
let log: string
let stop: () => Promise<void>
let writer: string

const policy = `rules:
  - name: all
    level: full
retention: {keep: 1d}
`

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-kept-"))
  live = await startLivePort(join(directory, "audit"))
  log = join(live.directory, "data", "log")
  await live.stop()
  writeFileSync(join(live.directory, "policy.yaml"), policy)
}, 30_000)
afterEach(() => vi.useRealTimers())
afterAll(async () => {
  await stop?.()
  rmSync(directory, { recursive: true })
})

/** The port's next life, so many days from now by its clock, and by the one of whoever commands it. */
async function startAt(days: number): Promise<void> {
  const { ready, stop: end } = await startProcessLater("port", live.config, days)
  stop = end
  writer = join(live.directory, "profiles", `at-${days}.yaml`)
  writeProfile(writer, live.writer, { address: ready.write?.[0] ?? "" })
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + days * dayMs })
}

async function send(name: string, count: number): Promise<void> {
  vi.useRealTimers()
  const audit = await connect(writer)
  for (let i = 0; i < count; i++) audit(`${name}.done`, { actor: `user/${name}-${i}` })
  await audit.flush()
  await audit.close()
}

async function retention(...args: readonly string[]) {
  const { status, stdout, stderr } = await runHere([
    ...["retention", ...args, "--config", live.config],
  ])
  expect([status, stderr]).toEqual([exitCodes.ok, ""])
  return stdout
}

test("entries go on their day, unless they are held, and what stays is verified", async () => {
  await startAt(0)
  expect(await retention("plan")).toContain("due    nothing")
  expect(await retention("run")).toBe("no entry is due\n")
  await send("early", 400)
  await stop()

  await startAt(2)
  // Nothing is due while it stands in the newest segment; the run ends that one.
  expect(await retention("run")).toBe("no entry is due\n")
  await send("middle", 200)
  await stop()
  const minimum = (await listSegments(log))[1] as number
  expect(minimum).toBeGreaterThan(400)

  await startAt(4)
  const held = await retention(
    ...["hold", "add", "--query", "actor:user/early-7", "--reason", "case 7"],
  )
  const id = held.trim().split(" ")[1] as string
  expect(await retention("hold", "list")).toContain("actor:user/early-7")
  expect(await retention("plan")).toMatch(/due {4}nothing; hold .* keeps entry \d+/)
  expect(await retention("run")).toContain(`hold ${id} keeps`)
  expect((await listSegments(log))[0]).toBe(0)
  const reader = await startProcessLater("reader", live.config, 4)
  const profile = join(live.directory, "profiles", "reader-4.yaml")
  writeProfile(profile, live.reader, { address: reader.ready.read?.[0] ?? "" })
  const ask = (...args: readonly string[]) => runHere([...args, "--profile", profile])
  expect((await ask("search", "early-7")).stdout).toContain("early.done")
  await retention("hold", "remove", id, "--reason", "case closed")
  expect(await retention("plan")).toContain(`due    entries 0 to ${minimum}, 1 segments`)
  expect(await retention("run")).toContain(`entries 0 to ${minimum} are gone by rule`)
  expect((await listSegments(log))[0]).toBe(minimum)
  expect(existsSync(join(log, "pruning"))).toBe(false)
  // The reader process has followed all the time, a moment behind.
  const gone = async () => {
    const shown = await ask("show", "7")
    expect(shown.status).not.toBe(exitCodes.ok)
    expect(shown.stderr).toContain("retention rule")
  }
  await vi.waitFor(gone, { timeout: 20_000, interval: 100 })
  expect((await ask("search", "early-7")).stdout).not.toContain("early.done")
  expect((await ask("search", "middle-7")).stdout).toContain("middle.done")
  await reader.stop()
  await send("late", 300)
  await stop()

  const report = await verifyDirectory(log, { vkey: live.vkey, full: true })
  expect(report.findings).toEqual([])
  expect(report.facts).toMatchObject({ pruned: minimum })
}, 60_000)

test("the commands of docs/operating/retention.md work as they stand there", async () => {
  await startAt(5)
  const page = readFileSync(
    new URL("../../../../docs/operating/retention.md", import.meta.url),
    "utf8",
  )
  const lines = page.split("\n").filter((line) => line.startsWith("postern "))
  expect(lines).toHaveLength(5)
  for (const line of lines) {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].slice(1)
    const args = words.map(([, quoted, word = ""]) => quoted ?? word)
    const { status, stderr } = await runHere(
      args.map((arg) => arg.replace("audit/postern.yaml", live.config)),
    )
    expect([line, status, stderr]).toEqual([line, exitCodes.ok, ""])
  }
  await stop()
}, 30_000)

test("what was exported afterwards is verified by itself", async () => {
  const to = join(directory, "tiles")
  const exported = await runHere(["log", "export", to, "--config", live.config])
  expect([exported.status, exported.stderr]).toEqual([exitCodes.ok, ""])
  const { status, stdout } = await runHere(["verify", to, "--vkey", live.vkey])
  expect([status, stdout]).toEqual([exitCodes.ok, stdout])
  expect(stdout).toContain("retention")
}, 30_000)
