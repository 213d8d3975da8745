import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { loadProfile } from "@postern/client"
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest"
import { issueCertificate } from "../guard/pki/index.ts"
import { exitCodes } from "./exit-code.ts"
import { runHere, writeProfile } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let file: string
let approvals: string
const bob = "spiffe://postern.local/operator/bob"
const boss = () => live.profiles.operator
const bobs = () => join(directory, "bob.yaml")
const id = "spiffe://postern.local/reader/new"
const reader = `  - id: ${id}\n    role: reader\n    grant: { see: auditor }\n`

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-approve-"))
  live = await startProcesses(join(directory, "installation"))
  const { config } = live
  file = config.access
  approvals = join(dirname(file), "approvals")
  const authority = {
    certificate: readFileSync(config.pki.ca, "utf8"),
    key: readFileSync(config.pki.caKey ?? "", "utf8"),
  }
  const pair = await issueCertificate({ authority, id: bob, usage: "client", now: new Date() })
  writeProfile(bobs(), boss(), { id: bob, address: loadProfile(boss()).address, ...pair })
  const more = `  - id: ${bob}\n    role: operator\napprovals: { weakening: 2 }\n`
  writeFileSync(file, `${readFileSync(file, "utf8")}${more}`)
  expect((await reload()).status).toBe(0)
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

let next: string
let before: string
let count = 0
beforeEach(() => {
  before = readFileSync(file, "utf8")
  rmSync(approvals, { recursive: true, force: true })
  mkdirSync(approvals)
  next = join(directory, `next${count++}.yaml`)
  writeFileSync(next, before.replace("identities:\n", `identities:\n${reader}`))
})

const reload = () => runHere(["access", "reload", "--config", live.config.file])
const approve = (profile: string, name: string) =>
  runHere(["access", "approve", "--live", next, "--profile", profile, "-o", join(approvals, name)])
const inForce = async () => {
  const { stdout } = await runHere(["status", "--config", live.config.file, "--json"])
  return JSON.parse(stdout).access as { port: string; reader: string }
}

async function expectRefused(reason: RegExp): Promise<void> {
  const old = await inForce()
  writeFileSync(file, readFileSync(next, "utf8"))
  try {
    const { status, stderr } = await reload()
    expect([status, stderr]).toEqual([exitCodes.denied, expect.stringMatching(reason)])
    expect(await inForce()).toEqual(old)
  } finally {
    writeFileSync(file, before)
  }
}

test("a list that weakens is refused without approvals, with one, or with one operator's two", async () => {
  await expectRefused(/0 of 2 for [0-9a-f]{64} to/)
  const approved = await approve(boss(), "a.approval")
  expect(approved.stdout).toMatch(/^weakens +spiffe:\S+new +added: reader/m)
  await expectRefused(/1 of 2/)
  await approve(boss(), "b.approval")
  await expectRefused(/1 of 2/)
  writeFileSync(join(approvals, "c.approval"), "nonsense")
  await expectRefused(/1 of 2.*c\.approval: /)
})

test("approvals of another change, of another log, or by a reader count nothing", async () => {
  await approve(boss(), "a.approval")
  const asReader = await approve(live.profiles.reader, "r.approval")
  expect(asReader.status).toBe(exitCodes.configuration)
  await approve(bobs(), "b.approval")
  writeFileSync(next, `${readFileSync(next, "utf8")}# another text\n`)
  await expectRefused(/0 of 2/)
})

test("a list that asks for fewer approvals is itself one that weakens", async () => {
  writeFileSync(next, before.replace("weakening: 2", "weakening: 1"))
  await expectRefused(/0 of 2/)
  writeFileSync(next, before.replace("approvals: { weakening: 2 }\n", ""))
  await expectRefused(/0 of 2/)
})

test("a list that weakens nothing needs nobody", async () => {
  writeFileSync(file, `${before}# said more\n`)
  expect((await reload()).status).toBe(0)
})

test("a start does not take over what nobody approved of, and says so", async () => {
  const { port } = await inForce()
  await live.end("reader", "SIGTERM")
  await live.end("port", "SIGTERM")
  writeFileSync(file, readFileSync(next, "utf8"))
  await live.start("port")
  await live.start("reader")
  await vi.waitFor(async () => expect(await inForce()).toEqual({ port, reader: port }), {
    timeout: 10_000,
    interval: 100,
  })
  const ops = `http://127.0.0.1:${live.config.listen.ops[0]?.port}/readyz?verbose`
  expect(await (await fetch(ops)).text()).toContain("0 of 2")
  writeFileSync(file, before)
  expect((await reload()).status).toBe(0)
})

test("two operators together let it in, and the log says who they were", async () => {
  await approve(boss(), "a.approval")
  await approve(bobs(), "b.approval")
  writeFileSync(file, readFileSync(next, "utf8"))
  const { status, stdout, stderr } = await reload()
  expect(status, stderr).toBe(0)
  expect(stdout).toContain("in force")
  const search = async (action: string) => {
    const args = ["search", "--profile", live.profiles.reader, "--action", action, "--json"]
    return JSON.parse((await runHere(args)).stdout).entries
  }
  await vi.waitFor(async () => expect(await search("postern.access.approved")).toHaveLength(2), {
    timeout: 10_000,
    interval: 200,
  })
  const by = (await search("postern.access.approved")).map(
    ({ event }: { event: { data: { by: string } } }) => event.data.by,
  )
  expect(by.toSorted()).toEqual(["spiffe://postern.local/operator/admin", bob])
  const [loaded] = await search("postern.access.loaded")
  expect(loaded.event.data).toMatchObject({
    weakens: true,
    by: "spiffe://postern.local/operator/admin",
  })
  expect(loaded.event.targets).toEqual([{ type: "identity", id }])
})
