import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openReader } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { openTrial, parseCases, readEventText, runCase } from "../guard/policy/index.ts"
import { parsePolicy } from "../policy/rules/index.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"
import { blocksOf, commandsOf, pageOf } from "./pages.test.support.ts"

const page = pageOf("policy.md")
const [policy = "", made = "", cases = "", ...others] = blocksOf(page, "yaml")
const [event = ""] = blocksOf(page, "json")

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let audit: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-policy-pages-"))
  audit = join(directory, "audit")
  live = await startProcesses(audit)
  writeFileSync(join(audit, "event.json"), event)
  await published("postern.policy.loaded", 1)
})
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

/** Until a checkpoint covers that many entries with the action. */
async function published(action: string, count: number): Promise<void> {
  const reader = openReader(live.profiles.reader)
  const look = async (): Promise<void> => {
    const { size } = await reader.checkpoint()
    const search = ["search", "--profile", live.profiles.reader, "--action", action, "--json"]
    const { entries } = JSON.parse((await runHere(search)).stdout)
    expect(entries.filter(({ index }: { index: number }) => index < size)).toHaveLength(count)
  }
  await vi.waitFor(look, { timeout: 10_000, interval: 200 })
  reader.close()
}

test("the commands of policy.md work as they stand there", async () => {
  const commands = commandsOf(page, audit)
  expect(commands).toHaveLength(12)
  for (const args of commands) {
    if (args.at(0) === "evidence") await published("postern.policy.looked-up", 2)
    const { status, stdout, stderr } = await runHere(args)
    const isEvidence = args.at(0) === "verify"
    // 10: signed by the log, and the profile knows of no witness (docs/operating/evidence.md).
    expect([args.join(" "), status, stderr]).toEqual([args.join(" "), isEvidence ? 10 : 0, stderr])
    if (isEvidence) expect(stdout).toMatch(/^entries +3: 3 port-asserted$/m)
  }
})

test("the policy and the case of policy.md hold, and explain says what stands there", async () => {
  expect(others).toEqual([])
  const trial = openTrial(parsePolicy(policy))
  expect(parseCases(cases).map((one) => runCase(trial, one).wrong)).toEqual([[]])
  const file = join(directory, "policy.yaml")
  writeFileSync(file, policy)
  const writer = ["--writer", "spiffe://postern.local/writer/app"]
  const told = await runHere([
    "policy",
    "explain",
    join(audit, "event.json"),
    "--policy",
    file,
    ...writer,
  ])
  expect(told.stdout.split("\n\n")[0]).toBe(blocksOf(page, "text").join("").trimEnd())
})

test("the rule for members made of a record leaves nothing over", async () => {
  const auth = { entity_id: "0b1c2d3e-aaaa-bbbb", display_name: "oidc-alice" }
  const request = { id: "9e1b2c3d-0000", operation: "read", path: "secret/data/app" }
  const record = { time: "2026-11-22T12:00:00Z", type: "response", auth, request, response: {} }
  const { stdout } = await runHere(["convert", "--format", "vault"], JSON.stringify(record))
  const tried = (rules: string) =>
    openTrial(parsePolicy(rules)).try("", "postern", readEventText(stdout))
  const { kept, leftOver } = tried(`rules:\n${made}`)
  const text = Buffer.from(kept ?? []).toString()
  expect(text).toContain('"action":"vault.')
  for (const name of Object.values(auth)) expect(text).not.toContain(name)
  expect(leftOver).toEqual([])
  const fewer = made.replace(/^.*entity_id.*$/m, "")
  expect(tried(`rules:\n${fewer}`).leftOver).toHaveLength(1)
})
