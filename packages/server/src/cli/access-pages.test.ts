import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test, vi } from "vitest"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"
import { startProcesses } from "./live-processes.test.support.ts"
import { commandsOf, pageOf } from "./pages.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
let audit: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-pages-"))
  audit = join(directory, "audit")
  live = await startProcesses(audit)
  const newest = ["search", "--profile", live.profiles.reader, "--action", "postern.access.loaded"]
  await vi.waitFor(
    async () => expect((await runHere(newest)).stdout).toMatch(/^\d+ .* postern\.access\.loaded /m),
    {
      timeout: 10_000,
      interval: 200,
    },
  )
})
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

test("the commands of identities.md work as they stand there", async () => {
  const commands = commandsOf(pageOf("identities.md"), audit)
  expect(commands).toHaveLength(11)
  mkdirSync(join(audit, "approvals"))
  copyFileSync(join(audit, "access.yaml"), join(audit, "access.new.yaml"))
  for (const args of commands) {
    const { status, stderr } = await runHere(args)
    expect([args.join(" "), status, stderr]).toEqual([args.join(" "), exitCodes.ok, stderr])
  }
})

test("the commands of review.md work as they stand there", async () => {
  const commands = commandsOf(pageOf("review.md"), audit)
  expect(commands).toHaveLength(2)
  for (const args of commands) {
    const { status, stderr } = await runHere(args)
    expect([args.join(" "), status, stderr]).toEqual([args.join(" "), exitCodes.ok, stderr])
  }
})
