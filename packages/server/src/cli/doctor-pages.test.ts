import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect } from "@postern/client"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import type { Finding } from "../guard/exposure/index.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"

let directory: string
let audit: string
let live: Awaited<ReturnType<typeof startProcesses>>

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-health-"))
  audit = join(directory, "audit")
  live = await startProcesses(audit)
}, 60_000)
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
}, 60_000)

const pageOf = (name: string) =>
  readFileSync(new URL(`../../../../docs/operating/${name}`, import.meta.url), "utf8")

/** Arguments of the commands of a page, or of its part before a heading, in order. */
function commandsOf(page: string, before = ""): string[][] {
  const part = before === "" ? page : page.slice(0, page.indexOf(before))
  return [...part.matchAll(/^```sh\n(.*?)^```$/gms)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .filter((line) => line.startsWith("postern "))
    .map((line) => line.split(" ").slice(1))
    .map((words) => words.map((word) => (/^audit(\/|$)/.test(word) ? join(directory, word) : word)))
}

test("the commands of doctor.md work as they stand there, and it names every check", async () => {
  const page = pageOf("doctor.md")
  // What a newcomer does needs a machine of its own: npm run test:firewall.
  const commands = commandsOf(page, "## From nothing to clean")
  expect(commands).toHaveLength(2)
  let findings: readonly Finding[] = []
  for (const args of commands) {
    const { stdout, stderr } = await runHere(args)
    expect(stdout, stderr).toMatch(/clock\.offset/)
    if (args.includes("--json"))
      findings = (JSON.parse(stdout) as typeof findings & { findings: Finding[] }).findings
  }
  expect(findings.length).toBeGreaterThan(30)
  for (const { id, result, evidence, fix } of findings) {
    expect(page, id).toContain(`\`${id}\``)
    expect([id, evidence === "", result === "ok", fix === ""]).toEqual([
      ...[id, false, result === "ok", result === "ok"],
    ])
  }
}, 90_000)

test("the commands of disclosures.md work as they stand there", async () => {
  const sender = await connect(live.profiles.writer)
  const data = { text: "a value that is kept beside the log ".repeat(5000) }
  const { index } = await sender.confirm(
    "report.made",
    { actor: "alice", data },
    { wait: "published" },
  )
  await sender.close()
  // The port has published it: the reader follows a moment later.
  const proof = ["show", String(index), "--proof", "--profile", live.profiles.reader]
  const proven = async () => expect(await runHere(proof)).toMatchObject({ status: 0 })
  await vi.waitFor(proven, { timeout: 20_000, interval: 100 })
  const commands = commandsOf(pageOf("disclosures.md"))
  expect(commands).toHaveLength(3)
  for (const args of commands) {
    const words = args.map((word) => (word === "4711" ? String(index) : word))
    const { status, stdout, stderr } = await runHere(words)
    expect([words.join(" "), status, stderr]).toEqual([words.join(" "), 0, stderr])
    if (args.includes("--disclosed")) expect(stdout).toContain("kept beside the log")
  }
}, 60_000)
