import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { runHere } from "./live-port.test.support.ts"
import { startCommand, startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
/** A reader elsewhere, whose profile nobody changes. */
let away: string
/** A writer elsewhere, and so its profile. */
let awayWriter: string

const longMs = 120_000

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-key-"))
  live = await startProcesses(join(directory, "installation"))
  away = join(directory, "away", "reader.yaml")
  mkdirSync(join(directory, "away"))
  cpSync(live.profiles.reader, away)
  awayWriter = join(directory, "away", "writer.yaml")
  cpSync(live.profiles.writer, awayWriter)
}, longMs)

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

async function restart(): Promise<void> {
  await live.end("reader", "SIGTERM")
  await live.end("port", "SIGTERM")
  await live.start("port")
  await live.start("reader")
}

async function write(profile = live.profiles.writer): Promise<void> {
  const audit = await connect(profile)
  audit("invoice.deleted", { actor: "alice", target: "invoice/1", outcome: "success" })
  await audit.flush()
  await audit.close()
}

/** The writer elsewhere has a receipt that is proven, under a checkpoint that it believes; gives what it was told of. */
async function confirm(spool = "spool") {
  const told: string[] = []
  const options = { spool: { directory: join(directory, "away", spool) } }
  const audit = await connect(awayWriter, { ...options, onProblem: ({ code }) => told.push(code) })
  try {
    const details = { actor: "bob", target: "invoice/2", outcome: "success" } as const
    await audit.confirm("invoice.paid", details, { wait: "published" })
  } finally {
    await audit.close()
  }
  return told
}

/** Until the reader elsewhere finds the event under a checkpoint. */
async function read(): Promise<void> {
  await vi.waitFor(
    async () => {
      const ran = await runHere(["search", "--profile", away, "--action", "invoice.*", "--json"])
      expect(ran).toMatchObject({ status: 0 })
      expect(ran.stdout).not.toContain('"verified":false')
    },
    { timeout: 30_000, interval: 200 },
  )
}

const config = () => ["--config", live.config.file]
const known = () => away.replace(".yaml", ".keys")
const signers = () =>
  readFileSync(join(live.config.data, "log", "checkpoint"), "utf8").split("\n\n")[1]

test(
  "a reader and a writer who pinned the first key go on, over two changes, and remember them",
  async () => {
    await write()
    await read()
    expect(await confirm()).toEqual([])
    expect(existsSync(known())).toBe(false)
    for (let change = 1; change <= 2; change++) {
      expect(await runHere(["key", "rotate", "log", ...config()])).toMatchObject({ status: 0 })
      await restart()
      await write()
      await read()
      expect(await confirm()).toEqual([])
      await vi.waitFor(() => expect(signers()?.trim().split("\n")).toHaveLength(2), 10_000)
      expect(await runHere(["key", "retire", "log", ...config()])).toMatchObject({ status: 0 })
      await restart()
      await write()
      await read()
      expect(await confirm()).toEqual([])
      await vi.waitFor(() => expect(signers()?.trim().split("\n")).toHaveLength(1), 10_000)
    }
    // One that was away all the time learns all of it at once.
    expect(await confirm("another-spool")).toEqual([])
    for (const spool of ["spool", "another-spool"]) {
      const kept = readFileSync(join(directory, "away", spool, "keys"), "utf8")
      expect(kept.trim().split("\n").length).toBeGreaterThanOrEqual(3)
    }
    const learned = async (): Promise<void> => {
      // A read may be answered under a checkpoint of before the last change, which needs no newer key.
      await read()
      expect(readFileSync(known(), "utf8").trim().split("\n")).toHaveLength(4)
    }
    await vi.waitFor(learned, { timeout: 40_000, interval: 200 })
  },
  longMs,
)

test(
  "everything that verifies takes the first key, and the newest one",
  async () => {
    const file = join(directory, "case.evidence")
    const asked = ["--range", "0-9", "-o", file]
    await runHere(["evidence", "make", "--profile", away, ...asked])
    expect(existsSync(file)).toBe(true)
    for (const profile of [away, live.profiles.reader]) {
      expect(await runHere(["verify", "--profile", profile])).toMatchObject({ status: 0 })
      const log = join(live.config.data, "log")
      const copy = await runHere(["verify", log, "--profile", profile, "--full"])
      expect(copy).toMatchObject({ status: 0 })
      expect(await runHere(["verify", file, "--profile", profile])).toMatchObject({ status: 10 })
      const monitor = ["monitor", "--profile", profile, "--once", "--begin"]
      expect(await runHere(monitor)).toMatchObject({ status: 0 })
    }
    const { stdout } = await runHere(["key", "list", ...config(), "--json"])
    const { keys, proven } = JSON.parse(stdout)
    expect(keys.map(({ state }: { state: string }) => state)).toEqual(["ended", "ended", "signs"])
    expect(proven).toBe(true)
  },
  longMs,
)

test("what cannot be meant is refused with a hint", async () => {
  for (const [args, says] of [
    [["key", "rotate", "receipts", ...config()], "not a key that can be changed"],
    [["key", "rotate", "log", ...config(), "--compromised"], "--root and --compromised"],
    [["key", "retire", "log", ...config()], "names no key"],
    [["key", "root", "init", join(directory, "root.key")], "--config or --origin"],
  ] as const) {
    const { status, stderr } = await runHere(args)
    expect(status).not.toBe(0)
    expect(stderr).toContain(says)
    expect(stderr).toContain("postern: hint:")
  }
})

test(
  "a mirror whose profile pins the first key keeps the proofs with the copy",
  async () => {
    const copy = join(directory, "mirror", "log")
    const mirror = startCommand(["mirror", copy, "--profile", away])
    try {
      await vi.waitFor(
        async () => {
          const ran = await runHere(["verify", copy, "--profile", away])
          expect(ran).toMatchObject({ status: 0 })
          expect(ran.stdout).toContain("4        changes")
        },
        { timeout: 60_000, interval: 300 },
      )
    } finally {
      await mirror.stop()
    }
  },
  longMs,
)

test(
  "a new receipt key signs from the next start on, and the log says so",
  async () => {
    const key = async (what: string) => runHere(["key", "rotate", what, ...config()])
    for (const [what, hint] of [
      ["sealing", "each month"],
      ["tls", "postern pki renew"],
      ["other", "log and receipt"],
    ] as const) {
      expect(await key(what)).toMatchObject({ status: 2, stderr: expect.stringContaining(hint) })
    }
    const { status, stdout } = await key("receipt")
    expect(status).toBe(0)
    await restart()
    await write()
    await read()
    expect(await confirm("under-a-new-receipt-key")).toEqual([])
    const started = ["--action", "postern.started", "--json", "--limit", "1"]
    const ran = await runHere(["search", "--profile", live.profiles.reader, ...started])
    expect(ran.stdout).toContain(stdout.trim())
    expect((await runHere(["key", "list", ...config()])).stdout).toMatch(/^receipt +ok/m)
  },
  longMs,
)
