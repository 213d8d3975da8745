import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { loadProfile } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { issueCertificate } from "../guard/pki/index.ts"
import { exitCodes } from "./exit-code.ts"
import { runHere, writeProfile } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let audit: string
let live: Awaited<ReturnType<typeof startProcesses>>
const postern = fileURLToPath(new URL("../../bin/postern.cjs", import.meta.url))
const bob = "spiffe://postern.local/operator/bob"
const night = "spiffe://postern.local/break-glass/night"
const bobs = () => join(audit, "profiles", "bob.yaml")

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-glass-"))
  audit = join(directory, "audit")
  live = await startProcesses(audit)
  const { config, profiles } = live
  const authority = {
    certificate: readFileSync(config.pki.ca, "utf8"),
    key: readFileSync(config.pki.caKey ?? "", "utf8"),
  }
  const pair = await issueCertificate({ authority, id: bob, usage: "client", now: new Date() })
  const { address } = loadProfile(profiles.operator)
  writeProfile(bobs(), profiles.operator, { id: bob, address, ...pair })
  writeFileSync(
    config.access,
    `${readFileSync(config.access, "utf8")}  - id: ${bob}\n    role: operator\n`,
  )
  expect((await runHere(["access", "reload", "--config", config.file])).status).toBe(0)
}, 60_000)
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
}, 60_000)

const glass = (...args: string[]) =>
  runHere(["access", "break-glass", ...args, "--config", live.config.file])
const search = async (...args: string[]) => {
  const { stdout } = await runHere(["search", "--profile", live.profiles.reader, "--json", ...args])
  return JSON.parse(stdout).entries as {
    index: number
    event: { action: string; actor: { id: string }; data: Record<string, unknown> }
  }[]
}
const found = (...args: string[]) =>
  vi.waitFor(
    async () => {
      const entries = await search(...args)
      expect(entries.length).toBeGreaterThan(0)
      return entries
    },
    { timeout: 10_000, interval: 200 },
  )
const doctor = async () => {
  const { stdout } = await runHere(["doctor", "--config", live.config.file, "--json"])
  const { findings } = JSON.parse(stdout) as { findings: { id: string; result: string }[] }
  return (id: string) => findings.find((one) => one.id === id)?.result
}
const opsText = async (path: string) => {
  const [{ host = "", port = 0 } = {}] = live.config.listen.ops
  return (await fetch(`http://${host}:${port}${path}`)).text()
}

let page: readonly string[][]
let passphrase: string
const sealed = () => join(audit, "break-glass", "night.sealed")
const profile = () => `${sealed()}.profile.yaml`

/** Arguments of the commands on the page, in order; quotes as in a shell. */
function commandsOf(text: string): string[][] {
  const lines = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = ""]) =>
    block.split("\n").filter((line) => line.startsWith("postern ")),
  )
  return lines.map((line) =>
    [...line.matchAll(/'([^']*)'|(\S+)/g)]
      .slice(1)
      .map(([, quoted, word = ""]) => quoted ?? word.replace("audit/", `${audit}/`)),
  )
}

test("what is sealed is good for nobody", async () => {
  const url = new URL("../../../../docs/operating/break-glass.md", import.meta.url)
  page = commandsOf(readFileSync(url, "utf8"))
  expect(page).toHaveLength(5)
  const { status, stdout, stderr } = await runHere(page[0] ?? [])
  expect(status, stderr).toBe(0)
  passphrase = /^half {2,}(\S+)\nhalf {2,}(\S+)$/m.exec(stdout)?.slice(1).join("\n") ?? ""
  expect(passphrase).toMatch(/^\S{19}\n\S{19}$/)
  expect(statSync(sealed()).mode & 0o777).toBe(0o600)
  const explained = ["access", "explain", night, "read", "--config", live.config.file]
  expect(await runHere(explained)).toMatchObject({
    status: exitCodes.denied,
    stdout: expect.stringContaining("sealed"),
  })
  expect(JSON.parse((await glass("status", "--json")).stdout)).toEqual({
    ...{ sealed: [night], open: [], waiting: [] },
  })
  const result = await doctor()
  expect([result("breakglass.open"), result("breakglass.review")]).toEqual(["ok", "ok"])
}, 90_000)

test("without its passphrase, an operator or a reason it stays sealed", async () => {
  const access = readFileSync(live.config.access, "utf8")
  const wrong = join(directory, "wrong")
  writeFileSync(wrong, "0000-0000-0000-0000-0000-0000-0000-0000\n")
  const right = join(directory, "right")
  writeFileSync(right, passphrase)
  const asked = ["open", sealed(), "--passphrase-file"]
  expect((await glass(...asked, wrong, "--reason", "x")).stderr).toContain("passphrase")
  expect((await glass(...asked, right)).status).toBe(exitCodes.usage)
  const typed = ["access", "break-glass", "open", sealed(), "--reason", "x"]
  const nothing = await runHere([...typed, "--config", live.config.file], "\n")
  expect([nothing.status, nothing.stderr]).toEqual([2, expect.stringContaining("is needed")])
  const reader = ["--operator", live.profiles.reader]
  expect((await glass(...asked, right, "--reason", "x", ...reader)).stderr).toContain("operator")
  expect((await glass(...asked, right, "--reason", "")).status).not.toBe(0)
  expect(readFileSync(live.config.access, "utf8")).toBe(access)
  expect(existsSync(profile())).toBe(false)
}, 90_000)

const script = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? ""
const isThere = script.includes("util-linux")
test.skipIf(!isThere && process.env.CI === undefined)(
  "what is typed at a terminal is not shown",
  async () => {
    const words = ["access", "break-glass", "open", sealed(), "--reason", "x", "--config"]
    const command = [process.execPath, postern, ...words, live.config.file].join(" ")
    const terminal = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"])
    let shown = ""
    terminal.stdout.on("data", (chunk: Buffer) => {
      shown += chunk.toString()
    })
    await vi.waitFor(() => expect(shown).toContain("passphrase (one line"), 10_000)
    terminal.stdin.write("0000-1111\u007f2-3333\r")
    expect(await once(terminal, "close")).toEqual([exitCodes.configuration, null])
    expect(shown).not.toMatch(/0000|1111|3333/)
  },
)

test("an hour that nobody signed for, or a longer one, is refused by the port", async () => {
  const access = readFileSync(live.config.access, "utf8")
  const until = (ms: number) => `${new Date(Date.now() + ms).toISOString().slice(0, 19)}Z`
  for (const ms of [1_800_000, 7_200_000]) {
    writeFileSync(live.config.access, access.replace(night, `${night}\n    expires: ${until(ms)}`))
    const { status, stderr } = await runHere(["access", "reload", "--config", live.config.file])
    expect([status, stderr]).toEqual([exitCodes.denied, expect.stringMatching(/no operator|hour/)])
  }
  writeFileSync(live.config.access, access)
  expect((await runHere(["access", "reload", "--config", live.config.file])).status).toBe(0)
}, 90_000)

test("opened, it is announced before it reads, and what it reads is recorded", async () => {
  writeFileSync(join(audit, "passphrase"), passphrase)
  const { status, stderr, stdout } = await runHere(page[1] ?? [])
  expect(status, stderr).toBe(0)
  expect(stdout.trim()).toBe(profile())
  const read = await runHere(["search", "--profile", profile(), "--json"])
  expect(read.status, read.stderr).toBe(0)
  const [opened] = await found("--action", "postern.breakglass.opened")
  const loaded = await found("--action", "postern.access.loaded", "--target", `identity/${night}`)
  const reads = await found("--action", "postern.read", "--actor", night)
  const admin = loadProfile(live.profiles.operator).id
  expect(opened?.event.data).toMatchObject({
    ...{ identity: night, by: admin, reason: expect.stringContaining("INC-42"), unreviewed: 0 },
  })
  const inForce = loaded.find((one) => one.index > (opened?.index ?? 0))
  expect(reads[0]?.index).toBeGreaterThan(inForce?.index ?? Number.POSITIVE_INFINITY)
  const result = await doctor()
  expect([result("breakglass.open"), result("breakglass.review")]).toEqual(["fail", "warn"])
  expect(await opsText("/readyz?verbose")).toContain(`break-glass: ${night} may read\n`)
  expect(await opsText("/metrics")).toContain("\npostern_breakglass_open 1\n")
  expect(await opsText("/metrics")).toContain("\npostern_breakglass_unreviewed 1\n")
}, 60_000)

test("it reads only, and its seal is broken once", async () => {
  const send = ["send", "--profile", profile(), "--action", "x.y", "--actor", "a"]
  expect((await runHere(send)).status).not.toBe(0)
  const again = ["--passphrase-file", join(audit, "passphrase"), "--reason", "x"]
  const { status, stderr } = await glass("open", sealed(), ...again, "-o", join(directory, "p"))
  expect([status, stderr]).toEqual([exitCodes.usage, expect.stringContaining("broken once")])
  const access = readFileSync(live.config.access, "utf8")
  const later = `${new Date(Date.now() + 3_500_000).toISOString().slice(0, 19)}Z`
  writeFileSync(live.config.access, access.replace(/(night\n +expires: )\S+/, `$1${later}`))
  const reload = await runHere(["access", "reload", "--config", live.config.file])
  expect([reload.status, reload.stderr]).toEqual([5, expect.stringContaining("broken once")])
  writeFileSync(live.config.access, access)
  expect((await runHere(["access", "reload", "--config", live.config.file])).status).toBe(0)
}, 90_000)

test("a new life of the port announces what is still open", async () => {
  await live.end("port", "SIGKILL")
  await live.start("port")
  await vi.waitFor(
    async () => expect(await search("--action", "postern.breakglass.opened")).toHaveLength(2),
    { timeout: 10_000, interval: 200 },
  )
  expect(JSON.parse((await glass("status", "--json")).stdout)).toMatchObject({
    ...{ sealed: [], open: [night], waiting: [{ identity: night, overdue: false }] },
  })
}, 90_000)

test("it is reviewed when it has ended, by somebody else, and that is in the log", async () => {
  expect((await runHere(page[2] ?? [])).status).toBe(0)
  const review = page[3] ?? []
  const early = await runHere(review)
  expect([early.status, early.stderr]).toEqual([exitCodes.denied, expect.stringContaining("open")])
  expect((await runHere(["access", "revoke", night, "--config", live.config.file])).status).toBe(0)
  const gone = await runHere(["search", "--profile", profile()])
  expect(gone.status).not.toBe(0)
  const bySame = await glass("review", "night", "--verdict", "justified", "--note", "fine")
  expect([bySame.status, bySame.stderr]).toEqual([5, expect.stringContaining("another operator")])
  const { status, stderr } = await runHere(review)
  expect(status, stderr).toBe(0)
  const [entry] = await found("--action", "postern.breakglass.reviewed")
  expect(entry?.event.data).toMatchObject({ identity: night, by: bob, verdict: "justified" })
  expect((await runHere(review)).stderr).toContain("waits")
  const result = await doctor()
  expect([result("breakglass.open"), result("breakglass.review")]).toEqual(["ok", "ok"])
  expect((await runHere(page[4] ?? [])).status).toBe(0)
}, 60_000)
