import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { listCompressed, listSegments } from "../disk/index.ts"
import { initDirectory } from "../guard/setup/index.ts"
import { freePorts } from "./free-ports.test.support.ts"
import { runHere, startProcessLater } from "./live-port.test.support.ts"
import { startCommand } from "./live-processes.test.support.ts"

// docs/operating/backup.md, Encrypted segments: "Readers, evidence and exports notice nothing", nor does what lets entries go
// and what brings a lost log back. The tests stand in the order of this log's life.

const dayMs = 86_400_000
/** Later than the entries by more than what the policy keeps them for. */
const daysLater = 2
const sent = 400
const base = mkdtempSync(join(tmpdir(), "postern-encrypted-life-"))
const running = new Map<"port" | "reader", () => Promise<void>>()
let made: Awaited<ReturnType<typeof initDirectory>>
let config: string
let log: string

async function start(name: "port" | "reader", days = daysLater): Promise<void> {
  running.set(name, (await startProcessLater(name, config, days)).stop)
}

async function stop(name: "port" | "reader"): Promise<void> {
  await running.get(name)?.()
  running.delete(name)
}

async function send(name: string): Promise<void> {
  const audit = await connect(made.profiles.writer)
  for (let i = 0; i < sent; i++) audit(`${name}.done`, { actor: `user/${name}-${i}` })
  await audit.flush()
  await audit.close()
}

/** A command that fulfils its purpose. */
async function succeed(args: readonly string[], status = 0): Promise<string> {
  const ran = await runHere(args)
  expect([ran.status, ran.stderr]).toEqual([status, ""])
  return ran.stdout
}

const ask = (...args: readonly string[]) => succeed([...args, "--profile", made.profiles.reader])
const operate = (...args: readonly string[]) => succeed([...args, "--config", config])
const verify = (target: string) => succeed(["verify", target, "--vkey", made.vkey, "--full"])

/** Every segment but the one in use, by the key that it is encrypted under. */
async function encrypted(): Promise<void> {
  await vi.waitFor(
    async () => {
      const [segments, compressed] = [await listSegments(log), await listCompressed(log)]
      expect(segments).not.toHaveLength(1)
      expect(compressed.map(({ kid }) => kid).filter(Boolean)).toHaveLength(segments.length - 1)
    },
    { timeout: 60_000, interval: 100 },
  )
}

/** Entry 7 of those sent early, by the index. The reader process follows a moment behind the port. */
async function earlyIsFound(): Promise<void> {
  await vi.waitFor(
    async () => {
      const { entries } = JSON.parse(await ask("search", "actor:user/early-7", "--json"))
      expect(entries).toMatchObject([{ verified: true, event: { action: "early.done" } }])
    },
    { timeout: 20_000, interval: 100 },
  )
}

beforeAll(async () => {
  const [write = 0, read = 0, ops = 0] = await freePorts(3)
  made = await initDirectory({ directory: join(base, "audit"), ports: { write, read, ops } })
  config = made.config.file
  log = join(made.config.data, "log")
  appendFileSync(config, "encryption: segments\n")
  const policy = "rules:\n  - name: all\n    level: full\nretention: {keep: 1d}\n"
  writeFileSync(join(base, "audit", "policy.yaml"), policy)
  await start("port", 0)
  await send("early")
  await stop("port")
  await start("port")
  // Nothing is due while it stands in the newest segment; the run ends that one.
  expect(await operate("retention", "run")).toBe("no entry is due\n")
  await send("late")
  await encrypted()
  await start("reader")
}, 90_000)
afterAll(async () => {
  vi.useRealTimers()
  for (const name of ["reader", "port"] as const) await stop(name)
  rmSync(base, { recursive: true })
})

test("its entries are found, shown and watched with their proofs", async () => {
  await earlyIsFound()
  expect(await ask("show", "7")).toMatch(/verified/)
  const tail = startCommand(["tail", "--from", "0", "--json", "--profile", made.profiles.reader])
  await vi.waitFor(() => expect(tail.said.stdout).toContain(`early-${sent - 1}`), 10_000)
  await tail.stop()
})

test("evidence is made of them over the read port and of the directory", async () => {
  for (const from of [
    ["--profile", made.profiles.reader],
    ["--config", config],
  ] as const) {
    const file = join(base, `${from[0].slice(2)}.evidence`)
    await succeed(["evidence", "make", "--range", "0-300", "-o", file, ...from])
    const verified = await succeed(["verify", file, "--vkey", made.vkey, "--json"], 10)
    expect(JSON.parse(verified)).toMatchObject({ verdict: "SIGNED-ONLY", counts: { leaves: 300 } })
  }
})

test("the log and its export are verified", async () => {
  const exported = join(base, "exported")
  await operate("log", "export", exported)
  await verify(exported)
  await verify(log)
})

test("the index is made anew", async () => {
  await stop("reader")
  await operate("index", "rebuild")
  await start("reader")
  await earlyIsFound()
})

test("a lost log comes back from its mirror, and is encrypted again", async () => {
  const mirror = join(base, "mirror")
  const following = startCommand(["mirror", mirror, "--profile", made.profiles.reader, "--json"])
  await stop("port")
  const { size } = JSON.parse(await succeed(["verify", log, "--vkey", made.vkey, "--json"]))
  const confirmed = `"what":"confirmed","size":${size}`
  await vi.waitFor(() => expect(following.said.stdout).toContain(confirmed), 20_000)
  expect(await following.stop()).toBe(0)
  await stop("reader")
  rmSync(join(log, "segments"), { recursive: true })
  expect(await operate("log", "restore", log, "--from", mirror)).toContain("nothing was lost")
  expect(await listCompressed(log)).toEqual([])
  await verify(log)
  for (const name of ["port", "reader"] as const) await start(name)
  await encrypted()
  await earlyIsFound()
}, 120_000)

test("entries go on their day, unless they are held", async () => {
  for (const name of ["reader", "port"] as const) await stop(name)
  await start("port", 2 * daysLater)
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * daysLater * dayMs })
  const hold = ["retention", "hold"]
  const reason = ["--reason", "case 7"]
  const held = await operate(...hold, "add", "--query", "actor:user/early-7", ...reason)
  const id = held.trim().split(" ")[1] as string
  expect(await operate("retention", "run")).toContain(`hold ${id} keeps`)
  await operate(...hold, "remove", id, ...reason)
  expect(await operate("retention", "run")).toMatch(/entries 0 to \d+ are gone by rule/)
  expect((await listSegments(log))[0]).toBeGreaterThan(sent)
  await verify(log)
})
