import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let file: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-access-"))
  live = await startProcesses(join(directory, "installation"))
  file = live.config.access
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

async function access(...args: string[]) {
  const { status, stdout, stderr } = await runHere(["access", ...args])
  return { status, stdout, stderr, json: () => JSON.parse(stdout) }
}
const here = (...args: string[]) => access(...args, "--config", live.config.file)
const then = (at: Date, ...args: string[]) =>
  access(...args, "--at", `${at.toISOString().slice(0, 19)}Z`, "--profile", live.profiles.reader)

/** Times are asked for to the second: what follows happens in a later one. */
async function nextSecond(): Promise<Date> {
  const now = Date.now()
  const next = now - (now % 1000) + 1000
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(next), { timeout: 5_000, interval: 50 })
  return new Date(next)
}

async function inForce(): Promise<string> {
  const { stdout } = await runHere(["status", "--config", live.config.file, "--json"])
  return JSON.parse(stdout).access.port
}

describe("postern access list", () => {
  test("shows the list on disk, and the list of a past time from the log", async () => {
    const before = await nextSecond()
    const added = await runHere(["writer", "add", "late", "--config", live.config.file])
    expect(added.status, added.stderr).toBe(0)
    const ids = (text: { identities: { id: string }[] }) => text.identities.map(({ id }) => id)
    const now = (await here("list", "--json")).json()
    expect(ids(now)).toContain("spiffe://postern.local/writer/late")
    await vi.waitFor(
      async () => {
        const newest = await then(new Date(Date.now() + 60_000), "list", "--json")
        expect(newest.json()).toMatchObject({ digest: now.digest, identities: now.identities })
      },
      { timeout: 10_000, interval: 200 },
    )
    const past = (await then(before, "list", "--json")).json()
    expect(ids(past)).toEqual(ids(now).filter((id) => !id.endsWith("/late")))
    expect(past.from).toMatch(/^entry \d+, loaded \S+Z by start/)
  })

  test("knows a list that is too long for one entry", async () => {
    const text = readFileSync(file, "utf8")
    const many = Array.from({ length: 120 }, (_, n) => {
      return `  - id: spiffe://postern.local/writer/many${n}\n    role: writer\n    owner: "né ${"x".repeat(150)}"\n    grant: { adapters: [http], sources: ["*"], actions: ["*"] }\n`
    })
    writeFileSync(file, `${text}${many.join("")}`)
    expect((await here("reload")).stdout).toContain("in force")
    const now = (await here("list", "--json")).json()
    await vi.waitFor(
      async () => {
        const found = await then(new Date(Date.now() + 60_000), "list", "--json")
        expect(found.json()).toMatchObject({ digest: now.digest })
      },
      { timeout: 10_000, interval: 200 },
    )
    writeFileSync(file, text)
    expect((await here("reload")).status).toBe(0)
  })

  test("finds none before the log began", async () => {
    const none = await then(new Date("2020-01-01"), "list")
    expect([none.status, none.stderr]).toEqual([
      exitCodes.failed,
      expect.stringContaining("no access list"),
    ])
  })
})

describe("postern access explain", () => {
  test("names the line that allows, or says why none does", async () => {
    const yes = await here("explain", "app", "write", "source=app://a", "action=x.y")
    expect(yes.stdout).toMatch(
      /^allowed: line \d+: spiffe:\S+\/app: grant.sources holds app:\/\/\*/,
    )
    expect(yes.status).toBe(0)
    const line = Number(/line (\d+)/.exec(yes.stdout)?.[1])
    const text = readFileSync(file, "utf8").split("\n")[line - 1]
    expect(text).toContain("spiffe://postern.local/writer/app")
    const cases: [string[], RegExp][] = [
      [["app", "write", "source=mail://a"], /grant.sources do not cover mail:\/\/a/],
      [["app", "write", "action=postern.read"], /log's own/],
      [["app", "read"], /it is a writer, not a reader/],
      [["auditor", "operate"], /it is a reader/],
      [["spiffe://a/b", "read"], /stands in no line/],
    ]
    for (const [args, why] of cases) {
      const no = await here("explain", ...args)
      expect(no.stdout).toMatch(why)
      expect(no.status).toBe(exitCodes.denied)
    }
    expect((await here("explain", "auditor", "read", "--json")).json()).toMatchObject({
      allowed: true,
      why: "sees everything",
    })
  })

  test.each([["dance"], ["read", "x=y"], ["write", "colour=red"], ["write", "adapter=ftp"]])(
    "does not guess what %s %s means",
    async (...what) => {
      expect((await here("explain", "app", ...what)).status).toBe(exitCodes.usage)
    },
  )
})

describe("postern access diff", () => {
  test("marks what weakens, against the list in force as well", async () => {
    const next = join(directory, "next.yaml")
    const text = readFileSync(file, "utf8")
    writeFileSync(next, text.replace("see: auditor", "see: monitor").replace('["*"]', '["a.*"]'))
    const narrower = (await here("diff", "--live", next, "--json")).json()
    expect(narrower).toMatchObject({ before: await inForce() })
    expect(narrower.changes.map((one: { weakens: boolean }) => one.weakens)).toEqual([
      false,
      false,
      false,
    ])
    const wider = await access("diff", next, file)
    expect(wider.stdout).toMatch(/^weakens +spiffe\S+auditor +see: monitor -> auditor$/m)
    expect(wider.stdout).toContain("2 of 3 changes weaken.")
    expect((await access("diff", file, file)).stdout).toContain("Nobody")
    expect((await access("diff", file)).status).toBe(exitCodes.usage)
  })
})

describe("a list that is not acceptable", () => {
  test("changes nothing, and is seen until another is taken", async () => {
    const text = readFileSync(file, "utf8")
    const before = await inForce()
    const ops = `http://127.0.0.1:${live.config.listen.ops[0]?.port}`
    const get = async (path: string) => (await fetch(`${ops}${path}`)).text()
    expect(await get("/metrics")).toContain("postern_access_refused 0")
    writeFileSync(file, `${text}nonsense: 1\n`)
    const refused = await here("reload")
    expect([refused.status, refused.stderr]).toEqual([
      exitCodes.configuration,
      expect.stringContaining("nonsense: unknown key"),
    ])
    expect(await inForce()).toBe(before)
    expect(await get("/readyz?verbose")).toMatch(/^ready\n.*the old one stays: .*nonsense/s)
    expect(await get("/metrics")).toContain("postern_access_refused 1")
    writeFileSync(file, text)
    expect((await here("reload")).stdout).toContain("in force: port and reader")
    expect(await get("/metrics")).toContain("postern_access_refused 0")
    expect(await get("/readyz?verbose")).not.toContain("access list")
  })
})

describe("postern access revoke", () => {
  test("ends an identity that is writing, at once", async () => {
    const added = await runHere(["writer", "add", "leaver", "--config", live.config.file, "--json"])
    const { profile } = JSON.parse(added.stdout)
    const audit = await connect(profile, { onProblem: () => undefined })
    audit("invoice.deleted", { actor: "alice" })
    await audit.flush()
    const revoked = await here("revoke", "leaver")
    expect(revoked.stderr).toMatch(/in force: port and reader .* after \d+ ms/)
    const no = await here("explain", "leaver", "write")
    expect(no.stdout).toMatch(/refused: line \d+: .*: expired/)
    audit("invoice.deleted", { actor: "alice" })
    await expect(audit.flush(500)).rejects.toThrow()
    await audit.close(500).catch(() => undefined)
    expect((await here("revoke", "leaver")).status).toBe(0)
  })

  test("takes a certificate file by its serial number and key, once", async () => {
    const added = await runHere(["reader", "add", "lost", "--config", live.config.file, "--json"])
    const { profile } = JSON.parse(added.stdout)
    const certificate = join(directory, "lost.crt")
    const pem = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
    const own = [...readFileSync(profile, "utf8").matchAll(pem)].map(([text]) =>
      text.replaceAll(/^ +/gm, ""),
    )
    writeFileSync(certificate, `${own.at(-1)}\n`)
    expect((await runHere(["search", "--profile", profile])).status).toBe(0)
    const what = `certificate=${certificate}`
    expect((await here("revoke", what, "--reason", "laptop lost")).status).toBe(0)
    expect((await runHere(["search", "--profile", profile])).status).not.toBe(0)
    const { revoked } = (await here("list", "--json")).json()
    expect(revoked).toMatchObject(
      [{ serial: /./ }, { key: /./ }].map(() => ({ reason: "laptop lost" })),
    )
    const text = readFileSync(file, "utf8")
    await here("revoke", what)
    expect(readFileSync(file, "utf8")).toBe(text)
  })

  test.each([
    ["nobody"],
    ["serial=xyz"],
    ["key=12"],
    ["certificate=/nowhere"],
    ["app", "--reason", "x"],
  ])("changes nothing if it is told %s %s %s", async (...what) => {
    const text = readFileSync(file, "utf8")
    expect((await here("revoke", ...what)).status).not.toBe(0)
    expect(readFileSync(file, "utf8")).toBe(text)
  })
})
