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

const longMs = 60_000

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-key-"))
  live = await startProcesses(join(directory, "installation"))
  away = join(directory, "away", "reader.yaml")
  mkdirSync(join(directory, "away"))
  cpSync(live.profiles.reader, away)
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

/** Until the reader elsewhere finds the event under a checkpoint. */
async function read(): Promise<void> {
  await vi.waitFor(
    async () => {
      const ran = await runHere(["search", "--profile", away, "--action", "invoice.*", "--json"])
      expect(ran).toMatchObject({ status: 0 })
      expect(ran.stdout).not.toContain('"verified":false')
    },
    { timeout: 10_000, interval: 200 },
  )
}

const config = () => ["--config", live.config.file]
const known = () => away.replace(".yaml", ".keys")
const signers = () =>
  readFileSync(join(live.config.data, "log", "checkpoint"), "utf8").split("\n\n")[1]

test(
  "a reader who pinned the first key goes on reading, over two changes, and remembers them",
  async () => {
    await write()
    await read()
    expect(existsSync(known())).toBe(false)
    for (let change = 1; change <= 2; change++) {
      expect(await runHere(["key", "rotate", "log", ...config()])).toMatchObject({ status: 0 })
      await restart()
      await write()
      await read()
      await vi.waitFor(() => expect(signers()?.trim().split("\n")).toHaveLength(2))
      expect(await runHere(["key", "retire", "log", ...config()])).toMatchObject({ status: 0 })
      await restart()
      await write()
      await read()
      await vi.waitFor(() => expect(signers()?.trim().split("\n")).toHaveLength(1))
    }
    await vi.waitFor(() => {
      expect(readFileSync(known(), "utf8").trim().split("\n")).toHaveLength(4)
    })
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
        { timeout: 15_000, interval: 300 },
      )
    } finally {
      await mirror.stop()
    }
  },
  longMs,
)
