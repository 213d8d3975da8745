import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"
import { blocksOf, commandsOf, pageOf } from "./pages.test.support.ts"

const person = "u-1842"
let directory: string
let audit: string
let live: Awaited<ReturnType<typeof startProcesses>>
let index: number

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-pages-"))
  audit = join(directory, "audit")
  live = await startProcesses(audit)
  const [policy = ""] = blocksOf(pageOf("personal-data.md"), "yaml")
  writeFileSync(join(audit, "policy.yaml"), policy)
  const applied = await runHere(["policy", "apply", "--config", live.config.file])
  expect(applied.status, applied.stderr).toBe(exitCodes.ok)
  const writer = await connect(live.profiles.writer)
  const customer = { number: "c-7", email: "seven@example.com" }
  for (const n of [1, 2]) {
    const data = { n, email: "person@example.com", customer }
    const receipt = await writer.confirm("invoice.paid", { actor: person, data })
    index = receipt.index
  }
  await writer.close()
  const covered = ["evidence", "make", "--index", String(index), "--profile", live.profiles.reader]
  await vi.waitFor(
    async () => {
      const made = await runHere([...covered, "-o", join(directory, "covered.evidence")])
      expect(made.status, made.stderr).toBe(exitCodes.ok)
    },
    { timeout: 10_000, interval: 200 },
  )
}, 60_000)
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
}, 60_000)

test("the commands of personal-data.md work as they stand there", async () => {
  const commands = commandsOf(pageOf("personal-data.md"), audit)
  expect(commands).toHaveLength(4)
  const said: string[] = []
  for (const args of commands) {
    const { status, stdout, stderr } = await runHere(
      args.map((word) => (word === "4711" ? String(index) : word)),
    )
    expect([args.join(" "), status, stderr]).toEqual([args.join(" "), exitCodes.ok, stderr])
    said.push(stdout)
  }
  const [pseudonym = "", found, shown] = said.map((text) => text.trim())
  expect(pseudonym).toMatch(/^p1:[\w-]{22}$/)
  expect(found).toContain(pseudonym)
  expect(shown).toContain("person@example.com")
  const lines = readFileSync(join(audit, "u-1842.jsonl"), "utf8").trimEnd().split("\n")
  expect(lines).toHaveLength(2)
  const [line] = lines.map((text) => JSON.parse(text))
  expect(line.event.actor).toMatchObject({ id: pseudonym, idClear: person })
  expect(line.event.data).toMatchObject({ n: 1, email: "person@example.com" })
  expect(JSON.stringify(line)).not.toContain("seven@example.com")
})

test("the commands of erasure.md work as they stand there", async () => {
  const commands = commandsOf(pageOf("erasure.md"), audit)
  expect(commands).toHaveLength(4)
  mkdirSync(join(audit, "approvals"))
  const said: string[] = []
  for (const args of commands) {
    const { status, stdout, stderr } = await runHere(args)
    const wanted = args[0] === "verify" ? exitCodes.signedOnly : exitCodes.ok
    expect([args.join(" "), status, stderr]).toEqual([args.join(" "), wanted, stderr])
    said.push(stdout)
  }
  const [looked = "", , erased = ""] = said
  // What the page explains, line by line.
  const page = pageOf("erasure.md")
  for (const line of looked.trimEnd().split("\n")) {
    const name = /^(\w+(?: \w+)?) {2,}/.exec(line)?.[1]
    expect(page, line).toContain(`| \`${name}\` |`)
  }
  expect(looked).toContain("values     4 of 2 entries")
  expect(looked).toMatch(/^in clear {3}0 of /m)
  expect(erased).toContain("erased     4 values of 2 entries")
  const shown = await runHere([
    ...["show", String(index), "--profile", live.profiles.reader, "--disclosed"],
  ])
  expect(shown.stdout).toMatch(/erased: \S{43}, with entry \d+/)
  expect(shown.stdout).toContain("seven@example.com")
  expect(shown.stdout).not.toContain("person@example.com")
  for (const how of [[audit], ["--profile", live.profiles.reader, "--disclosures"]]) {
    const { status, stdout, stderr } = await runHere(["verify", ...how, "--json"])
    expect([status, stderr]).toEqual([exitCodes.ok, stderr])
    const { checks } = JSON.parse(stdout) as { checks: { name: string; checked: number }[] }
    // Of each of the two entries two values that are erased, and one of the customer.
    expect(checks.find(({ name }) => name === "disclosures")).toMatchObject({
      status: "ok",
      checked: 6,
    })
  }
})

test("whoever is to type how many values go and types something else erases nothing", async () => {
  const flags = ["--subject", "c-7", "--config", live.config.file]
  const ran = await runHere(["erase", ...flags, "--ground", "a test"], "3\n")
  expect(ran.status).toBe(exitCodes.usage)
  expect(ran.stderr).toContain("nothing was erased")
  const done = await runHere(["erase", ...flags, "--ground", "a test", "--json"], "2\n")
  expect(done.status, done.stderr).toBe(exitCodes.ok)
  expect(JSON.parse(done.stdout)).toMatchObject({ values: 2, entries: 2, ground: "a test" })
})

test.each([
  [["--ground", "x"], "--config is missing"],
  [["--ground", "x", "--config", "CONFIG"], "--subject is missing"],
  [["--subject", "c-7", "--config", "CONFIG"], "--ground is missing"],
])("erase with %j lacks something", async (flags, said) => {
  const ran = await runHere([
    "erase",
    ...flags.map((word) => (word === "CONFIG" ? live.config.file : word)),
  ])
  expect(ran.status).toBe(exitCodes.usage)
  expect(ran.stderr).toContain(said)
})
