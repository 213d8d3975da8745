import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { connect } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { parseAccess } from "../access/index.ts"
import { makeCampaign, parseCampaign } from "../guard/access/index.ts"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"
import { ReviewDeadlines } from "./review-deadlines.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-review-"))
  live = await startProcesses(join(directory, "installation"))
  const { config, profiles } = live
  const more = ["--sources", "app://idle,mail://*", "--owner", "us", "--config", config.file]
  await runHere(["writer", "add", "idle", ...more])
  const audit = await connect(profiles.writer)
  audit("invoice.deleted", { actor: "alice", source: "app://a" })
  await audit.flush()
  await audit.close()
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const review = (...args: string[]) =>
  runHere(["access", "review", ...args, "--config", live.config.file])
const state = async () => JSON.parse((await review("status", "--json")).stdout)
const search = async (action: string) => {
  const args = ["search", "--profile", live.profiles.reader, "--action", action, "--json"]
  return JSON.parse((await runHere(args)).stdout).entries
}

test("a review is begun with what the log says, filled in, carried out, signed, and in the log", async () => {
  expect(await state()).toEqual({ state: "warn", due: null, open: null })
  const used = async () => {
    expect(await search("invoice.deleted")).toHaveLength(1)
    // That the auditor searched comes into the log by itself, a little later.
    expect(await search("postern.read")).not.toHaveLength(0)
  }
  await vi.waitFor(used, { timeout: 20_000, interval: 200 })
  const begun = await review("start", "--profile", live.profiles.reader)
  expect(begun.status, begun.stderr).toBe(0)
  const file = begun.stdout.trim()
  const { entries, next } = parseCampaign(readFileSync(file, "utf8"), file)
  const of = (name: string) => {
    const found = entries.find((one) => one.id.endsWith(`/${name}`))
    return { lastUsed: found?.lastUsed ?? "", flags: found?.flags ?? [] }
  }
  expect(of("writer/app").lastUsed).toMatch(/^\d{4}-/)
  expect(of("writer/app").flags).toContain("ownerless")
  expect(of("writer/app").flags.join()).toMatch(/never needed .*sources kubernetes:\/\/\*/)
  expect(of("writer/app").flags.join()).not.toContain("app://")
  expect(of("writer/idle")).toMatchObject({ lastUsed: "never", flags: ["unused", "wildcard"] })
  expect(of("reader/auditor").lastUsed).toMatch(/^\d{4}-/)
  expect((await state()).open.file).toBe(file)
  const unanswered = await review("apply", file)
  expect([unanswered.status, unanswered.stderr]).toEqual([
    exitCodes.configuration,
    expect.stringContaining("decide"),
  ])
  const text = readFileSync(file, "utf8")
  writeFileSync(
    file,
    text
      .replaceAll('decision: ""', "decision: certify")
      .replace(/(idle\n.*?decision: )certify/s, "$1revoke"),
  )
  const applied = await review("apply", file)
  expect(applied.status, applied.stderr).toBe(0)
  expect(applied.stdout).toMatch(/^certified 5, revoked 1, changed 0, left to expire on \S+ 0$/m)
  const explained = ["access", "explain", "idle", "write", "--config", live.config.file]
  expect((await runHere(explained)).status).toBe(exitCodes.denied)
  expect(await state()).toEqual({ state: "ok", due: next, open: null })
  await vi.waitFor(async () => expect(await search("postern.access.reviewed")).toHaveLength(1), {
    timeout: 10_000,
    interval: 200,
  })
  const [entry] = await search("postern.access.reviewed")
  expect(entry.event.data.by).toBe("spiffe://postern.local/operator/admin")
  expect(entry.event.data.statement).toBe(readFileSync(`${file}.signed`, "utf8"))
})

test("a review of another log, or one that is none, changes nothing", async () => {
  const access = readFileSync(live.config.access, "utf8")
  const file = join(directory, "other.yaml")
  writeFileSync(file, "entries: []\n")
  expect((await review("apply", file)).status).toBe(exitCodes.configuration)
  expect(readFileSync(live.config.access, "utf8")).toBe(access)
})

test("what a review left unanswered ends at its deadline, by itself, and that is in the log", async () => {
  const { config } = live
  const add = ["reader", "add", "guest", "--config", config.file]
  expect((await runHere(add)).status).toBe(0)
  const begun = new Date(Date.now() - 100 * 86_400_000).toISOString().slice(0, 10)
  const file = join(directory, "installation", "reviews", "9999-01-01.yaml")
  const list = parseAccess(readFileSync(config.access, "utf8"))
  const all = makeCampaign(list, undefined, {
    ...{ origin: config.origin, began: begun, deadline: begun, next: begun, usageSince: undefined },
  })
  const guest = "spiffe://postern.local/reader/guest"
  writeFileSync(
    file,
    all.replace(/(- id: (\S+)\n.*?decision: )""/gs, (whole, head, id) =>
      id === guest ? whole : `${head}certify`,
    ),
  )
  const unanswered = async () => {
    const { stdout } = await runHere(["doctor", "--config", config.file, "--json"])
    const { findings } = JSON.parse(stdout) as { findings: { id: string; result: string }[] }
    return findings.find((one) => one.id === "access.unanswered")?.result
  }
  expect(await unanswered()).toBe("fail")
  const notes: string[] = []
  const nowhere = new PassThrough()
  const io = {
    ...{ stdin: nowhere, stdout: nowhere, stderr: nowhere, env: {}, color: false },
    line: () => undefined,
    note: (text: string) => void notes.push(text),
    now: () => new Date(),
  }
  await new ReviewDeadlines(config, io, () => undefined).look()
  expect(notes).toEqual([expect.stringContaining(`ended ${guest}`)])
  const explained = ["access", "explain", guest, "read", "--config", config.file]
  expect((await runHere(explained)).status).toBe(exitCodes.denied)
  const profile = join(directory, "installation", "profiles", "reader-guest.yaml")
  expect((await runHere(["search", "--profile", profile])).status).not.toBe(0)
  await vi.waitFor(async () => expect(await search("postern.access.expired")).toHaveLength(1), {
    timeout: 10_000,
    interval: 200,
  })
  const [entry] = await search("postern.access.expired")
  expect(entry.event.data).toMatchObject({ deadline: begun, count: 1, expired: [guest], left: [] })
  expect(await unanswered()).toBe("ok")
  await new ReviewDeadlines(config, io, () => undefined).look()
  expect(notes).toHaveLength(1)
  expect((await review("expire")).stderr).toContain("nothing")
  expect((await state()).state).toBe("overdue")
}, 120_000)

test("a list that cannot be written is told once, and changes nothing", async () => {
  const access = readFileSync(live.config.access, "utf8")
  const guest = "spiffe://postern.local/reader/guest"
  writeFileSync(live.config.access, access.replace(/(reader\/guest\n) +expires: \S+\n/, "$1"))
  expect((await runHere(["access", "reload", "--config", live.config.file])).status).toBe(0)
  writeFileSync(`${live.config.access}.new`, "somebody else's change")
  const notes: string[] = []
  const nowhere = new PassThrough()
  const deadlines = new ReviewDeadlines(
    live.config,
    {
      ...{ stdin: nowhere, stdout: nowhere, stderr: nowhere, env: {}, color: false },
      line: () => undefined,
      note: (text: string) => void notes.push(text),
      now: () => new Date(),
    },
    () => undefined,
  )
  await deadlines.look()
  await deadlines.look()
  expect(notes).toEqual([expect.stringContaining("cannot be ended")])
  const explained = ["access", "explain", guest, "read", "--config", live.config.file]
  expect((await runHere(explained)).status).toBe(0)
  rmSync(`${live.config.access}.new`)
  await deadlines.look()
  expect((await runHere(explained)).status).toBe(exitCodes.denied)
}, 120_000)
