import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, test } from "vitest"
import { initDirectory } from "../guard/setup/index.ts"

const postern = fileURLToPath(new URL("../../bin/postern.cjs", import.meta.url))
const base = mkdtempSync(join(tmpdir(), "postern-watch-"))
const audit = join(base, "audit")
const config = join(audit, "postern.yaml")

beforeAll(async () => {
  await initDirectory({ directory: audit, ports: { write: 1, read: 2, ops: 3 } })
})
afterAll(() => rmSync(base, { recursive: true }))

/** `postern serve --only watch`, and what it says. */
function startWatch(): { child: ChildProcess; said: () => string } {
  const args = [postern, "serve", "--only", "watch", "--config", config]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] })
  let text = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { child, said: () => text }
}

test.runIf(process.platform === "linux")(
  "the watch runs no process, stays through SIGHUP, and ends in order",
  async () => {
    const { child, said } = startWatch()
    while (!said().includes("\n"))
      await once(child.stderr as NonNullable<typeof child.stderr>, "data")
    expect(said()).toBe("postern: watch ready\n")
    const { pid } = child
    expect(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")).toBe("")
    child.kill("SIGHUP")
    child.kill("SIGTERM")
    expect(await once(child, "exit")).toEqual([0, null])
    expect(readdirSync(join(audit, "data"))).toEqual([])
  },
)

test("without the operator's profile it cannot have anything entered, and does not begin", async () => {
  rmSync(join(audit, "profiles/operator.yaml"))
  const { child, said } = startWatch()
  expect((await once(child, "close"))[0]).toBe(78)
  expect(said()).toContain("profiles/operator.yaml")
})
