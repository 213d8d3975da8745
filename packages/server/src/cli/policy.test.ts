import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { parsePolicy } from "../policy/rules/index.ts"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let file: string
let starting: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-policy-"))
  live = await startProcesses(join(directory, "installation"))
  file = live.config.policy ?? ""
  starting = readFileSync(file, "utf8")
})

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

async function policy(...args: string[]) {
  const { status, stdout, stderr } = await runHere(["policy", ...args])
  return { status, stdout, stderr, json: () => JSON.parse(stdout) }
}
const here = (...args: string[]) => policy(...args, "--config", live.config.file)
const reading = (...args: string[]) => policy(...args, "--profile", live.profiles.reader)
const digestOf = (text: string) => parsePolicy(text).digest

async function inForce(): Promise<string> {
  const { stdout } = await runHere(["status", "--config", live.config.file, "--json"])
  return JSON.parse(stdout).policy.digest
}

async function entriesOf(action: string) {
  const args = ["search", "--profile", live.profiles.reader, "--action", action, "--json"]
  return JSON.parse((await runHere(args)).stdout).entries as {
    event: { data: Record<string, unknown> }
  }[]
}

const soon = { timeout: 10_000, interval: 200 }
const lessOfReads = (text: string) =>
  text.replace("rules:\n", "rules:\n  - name: reads\n    match: { class: read }\n    level: drop\n")

describe("a changed policy", () => {
  beforeEach(() => writeFileSync(file, starting))

  test("is compared with the one in force, applied, and known to the log", async () => {
    expect(await inForce()).toBe(digestOf(starting))
    expect((await here("diff")).stdout).toBe("Nothing is kept otherwise.\n")
    const next = lessOfReads(starting)
    writeFileSync(file, next)
    const diff = await here("diff")
    expect(diff.stdout).toMatch(/^weakens +rule reads +added: drop of class read/m)
    const applied = await here("apply")
    expect(applied.status, applied.stderr).toBe(0)
    expect(applied.stdout).toContain(`${diff.stdout}in force: policy ${digestOf(next)}`)
    expect(await inForce()).toBe(digestOf(next))
    expect((await here("apply")).stdout).toMatch(/^in force already/)
    await vi.waitFor(async () => {
      const { policies } = (await reading("list", "--json")).json()
      expect(policies.slice(0, 2)).toMatchObject([
        { digest: digestOf(next), weakens: true, by: expect.stringMatching(/operator\/admin$/) },
        { digest: digestOf(starting), by: "start" },
      ])
    }, soon)
    const newest = await reading("show")
    expect(newest.stdout).toBe(next)
    const old = await reading("show", digestOf(starting).slice(0, 16))
    expect([old.status, old.stdout]).toEqual([0, starting])
    const none = await reading("show", "00000000")
    expect([none.status, none.stderr]).toEqual([
      exitCodes.failed,
      expect.stringContaining("no policy with a digest of 00000000"),
    ])
  })

  test("that is not acceptable changes nothing, whoever asks", async () => {
    const before = await inForce()
    writeFileSync(file, `${starting}\nrule: []\n`)
    for (const command of ["check", "test", "diff", "apply"]) {
      const { status, stderr } = await here(command)
      expect([command, status, stderr]).toEqual([
        command,
        exitCodes.configuration,
        expect.stringMatching(/line \d+: rule: /),
      ])
    }
    expect(await inForce()).toBe(before)
  })
})

describe("postern policy hash", () => {
  test("gives what a value looks like in the log, and the log says that somebody asked", async () => {
    writeFileSync(
      file,
      starting.replace(
        "name: applications\n    level: full\n",
        "name: applications\n    level: full\n    transforms:\n      - { at: /data/iban, do: hmac }\n      - { at: /data/mail, do: tokenise }\n",
      ),
    )
    expect((await here("apply")).stdout).toContain("in force: ")
    const audit = await connect(live.profiles.writer)
    await audit.confirm("invoice.paid", {
      actor: "alice",
      data: { iban: "DE02120300000000202051", mail: 4711, password: "hunter2 hunter2" },
    })
    await audit.close()
    const written = async (member: string) => {
      const [entry] = await entriesOf("invoice.paid")
      return entry?.event.data[member]
    }
    await vi.waitFor(async () => expect(await written("iban")).toMatch(/^h1:/), soon)
    const asked = async (...args: string[]) => (await here("hash", ...args)).stdout.trim()
    expect(await asked("DE02120300000000202051", "--at", "/data/iban")).toBe(await written("iban"))
    expect(await asked("4711", "--token")).toBe(await written("mail"))
    expect(await asked("hunter2 hunter2", "--at", "detected")).toBe(await written("password"))
    expect(await asked("hunter2", "--at", "/data/iban")).not.toBe(await written("iban"))
    await vi.waitFor(async () => {
      const entries = await entriesOf("postern.policy.looked-up")
      expect(entries.map(({ event }) => event.data)).toMatchObject([
        { at: "/data/iban" },
        { at: "detected" },
        { token: true },
        { at: "/data/iban" },
      ])
      expect(JSON.stringify(entries)).not.toContain("4711")
    }, soon)
  })

  test("answers sixty questions a minute", async () => {
    let refused = 0
    for (let n = 0; n < 64; n++) {
      const { status, stderr } = await here("hash", String(n), "--token")
      if (status !== 0) refused += 1
      expect(status === 0 || stderr.includes("RATE_LIMITED"), stderr).toBe(true)
    }
    expect(refused).toBeGreaterThanOrEqual(4)
  })

  test.each([
    [["x"]],
    [["x", "--token", "--at", "/data/a"]],
    [["x", "--at", "data"]],
    [["x", "--at", "/writer"]],
  ])("wants to know where: %j", async (args) => {
    expect((await here("hash", ...args)).status).toBe(exitCodes.usage)
  })
})

describe("postern policy dry-run", () => {
  test("counts what a policy would have made of the entries", async () => {
    writeFileSync(file, starting)
    expect((await here("apply")).status).toBe(0)
    const audit = await connect(live.profiles.writer)
    for (let n = 0; n < 40; n++)
      audit(n < 10 ? "page.view" : "invoice.paid", {
        actor: "alice",
        data: { n, card: { iban: "x" } },
      })
    await audit.flush()
    await audit.close()
    const next = join(directory, "policy.next.yaml")
    writeFileSync(
      next,
      `rules:
  - { name: reads, match: { class: read, action: page.* }, level: drop }
  - { name: beats, match: { class: system }, level: full, deduplicate: 60 }
  - { name: all, level: full, transforms: [{ at: /data/**/iban, do: redact }] }
`,
    )
    const dryRun = (...args: string[]) => reading("dry-run", next, ...args)
    await vi.waitFor(async () => {
      const { events } = (await dryRun("--json")).json()
      expect(events).toBeGreaterThanOrEqual(41)
    }, soon)
    const { groups, kept, events, changedBefore } = (await dryRun("--json")).json()
    expect(events - kept).toBe(10)
    expect(changedBefore).toBe(1)
    expect(groups).toMatchObject([
      {
        ...{ rule: "all", events: 31, dropped: 0, writer: expect.stringMatching(/app$/) },
        did: [{ what: "redact", fields: 2, events: 31 }],
      },
      { rule: "reads", events: 10, dropped: 10, bytesKept: 0 },
    ])
    const { stdout, stderr } = await dryRun("--last", "41", "--progress")
    expect(stderr).not.toContain("error")
    expect(stdout).toMatch(
      /^41 entries, [\d.]+ kB: 75\.6 % would be kept, with [\d.]+ % of the bytes\n/,
    )
    expect(stdout).toMatch(
      /^writer\/app +all +full +31 +█{20} +[\d.]+ % +redact 2 fields in 100 %$/m,
    )
    expect(stdout).toMatch(/^writer\/app +reads +drop +10 +█+\S* +0 % +drop 100 %$/m)
    expect(stdout).toContain("1 were changed by a policy before they came into the log")
  })
})

test("what the policy does not keep is no failure of postern send", async () => {
  const text = lessOfReads(starting).replace("level: drop", "level: full\n    deduplicate: 3600")
  writeFileSync(file, text)
  expect((await here("apply")).status).toBe(0)
  const lines = ["page.view", "page.view", "page.updated", "page.view"].map((action) =>
    JSON.stringify({ action, actor: "alice", time: "2026-01-01T00:00:00Z" }),
  )
  const args = ["send", "--profile", live.profiles.writer]
  const sent = await runHere(args, lines.join("\n"))
  expect([sent.status, sent.stdout]).toEqual([
    0,
    "accepted 2, refused 0, duplicates 0, not kept by the policy 2\n",
  ])
  const again = await runHere([...args, "--json"], lines.join("\n"))
  expect(JSON.parse(again.stdout)).toMatchObject({ accepted: 1, refused: 0, notKept: 3 })
})

// The last one: from then on the list asks for approvals.
test("a policy that weakens needs approvals where the access list says so", async () => {
  const access = readFileSync(live.config.access, "utf8")
  const approvals = join(dirname(file), "approvals")
  mkdirSync(approvals)
  writeFileSync(file, starting)
  expect((await here("apply")).status).toBe(0)
  writeFileSync(live.config.access, `${access}approvals: { weakening: 1 }\n`)
  await runHere(["access", "reload", "--config", live.config.file])
  const next = lessOfReads(starting)
  writeFileSync(file, next)
  const refused = await here("apply")
  expect([refused.status, refused.stderr]).toEqual([
    exitCodes.denied,
    expect.stringMatching(/postern policy approve[\s\S]*0 of 1/),
  ])
  expect(await inForce()).toBe(digestOf(starting))
  const approval = join(approvals, "boss.approval")
  const approved = await policy(
    ...["approve", file, "--profile", live.profiles.operator, "-o", approval],
  )
  expect(approved.status, approved.stderr).toBe(0)
  expect(approved.stdout).toContain("weakens")
  expect((await here("apply")).status).toBe(0)
  expect(await inForce()).toBe(digestOf(next))
  await vi.waitFor(
    async () => expect(await entriesOf("postern.policy.approved")).toHaveLength(1),
    soon,
  )
})
