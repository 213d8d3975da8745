import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeEach, describe, expect, test } from "vitest"
import { initDirectory } from "../guard/setup/index.ts"
import { runHere } from "./live-port.test.support.ts"

const directories: string[] = []
let made: Awaited<ReturnType<typeof initDirectory>>
let log: string
let config: string

beforeEach(async () => {
  const directory = mkdtempSync(join(tmpdir(), "postern-restore-"))
  directories.push(directory)
  made = await initDirectory({ directory })
  config = made.config.file
  log = join(made.config.data, "log")
})
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true })
})

const restore = (...more: string[]) => runHere(["log", "restore", log, "--config", config, ...more])
const accepted = ["--accept-loss", "--reason", "the disk is gone"]

describe("log restore", () => {
  test("does not take another directory than the configured one", async () => {
    const other = join(made.directory, "other")
    const { status, stderr } = await runHere(["log", "restore", other, "--config", config])
    expect(status).toBe(2)
    expect(stderr).toContain(`says that the log is ${log}`)
  })

  test.each([[["--accept-loss"]], [["--reason", "x"]], [["--accept-loss", "--reason", "  "]]])(
    "wants --accept-loss and a reason together: %j",
    async (flags) => {
      expect((await restore(...flags)).status).toBe(2)
    },
  )

  test("loses nothing without a word, and says what to add", async () => {
    const { status, stderr } = await restore()
    expect(status).toBe(3)
    expect(stderr).toContain("--accept-loss")
    expect(readFileSync(config, "utf8")).toContain("origin: postern.local/audit\n")
  })

  test("ends the epoch of a log that is gone, and says what it changed", async () => {
    const { status, stdout } = await restore(...accepted)
    expect(status).toBe(0)
    expect(stdout).toContain(
      "the epoch postern.local/audit has ended, postern.local/audit/e2 has begun",
    )
    expect(stdout).toContain(`changed: ${config}`)
    expect(stdout).toMatch(/ {2}vkey: "postern\.local\/audit\/e2\+[0-9a-f]{8}\+/)
    expect(readFileSync(config, "utf8")).toContain("origin: postern.local/audit/e2\n")
  })

  test("says it in JSON too", async () => {
    const { stdout } = await restore("--json", ...accepted)
    expect(JSON.parse(stdout)).toMatchObject({
      kind: "successor",
      origin: "postern.local/audit/e2",
      began: { reason: "the disk is gone", left: { size: 0 } },
    })
  })
})

describe("log missing", () => {
  test("counts, and refuses what is no receipt", async () => {
    await restore(...accepted)
    const receipts = join(made.directory, "receipts")
    mkdirSync(receipts)
    const none = await runHere(["log", "missing", receipts, "--config", config])
    expect(none).toMatchObject({
      status: 0,
      stdout: "0 present, 0 gone by rule, 0 kept in a closed epoch, 0 missing\n",
    })
    writeFileSync(join(receipts, "a.jsonl"), "{}\n\n")
    writeFileSync(join(receipts, "notes.txt"), "not looked at")
    const one = await runHere(["log", "missing", receipts, "--config", config])
    expect(one.status).toBe(3)
    expect(one.stdout).toContain("a.jsonl line 1")
  })

  test("wants to know which log", async () => {
    expect((await runHere(["log", "missing", made.directory])).status).toBe(2)
  })
})

describe("mirror", () => {
  test("follows as a reader, not as a writer", async () => {
    const copy = join(made.directory, "copy")
    const { status } = await runHere(["mirror", copy, "--profile", made.profiles.writer])
    expect(status).toBe(78)
  })

  test("serve refuses a profile of another log", async () => {
    await restore(...accepted)
    const profile = join(made.directory, "old.yaml")
    const text = readFileSync(made.profiles.reader, "utf8")
    writeFileSync(profile, text.replaceAll("audit/e2", "audit/e9"), { mode: 0o600 })
    const { status, stderr } = await runHere([
      "mirror",
      "serve",
      "--config",
      config,
      "--profile",
      profile,
    ])
    expect(status).toBe(78)
    expect(stderr).toContain("audit/e9")
  })
})
