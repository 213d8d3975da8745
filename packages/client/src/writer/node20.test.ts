import { execFile, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

/** The machine's own Node, where it is another one than the tests run on. */
const systemNode = "/usr/bin/node"
const { stdout } = spawnSync(systemNode, ["--version"], { encoding: "utf8" })
const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)\./.exec(stdout ?? "") ?? []).map(Number)
const isOldEnough = major > 20 || (major === 20 && minor >= 19)
if (!isOldEnough) process.stderr.write(`SDK: no Node 20.19 at ${systemNode}, not tried there\n`)

/** Three processes, one of which is killed after many writes: on a busy machine that takes its time. */
const runMs = 150_000

function runTests(script: string) {
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const options = { encoding: "utf8", timeout: runMs } as const
    execFile(systemNode, ["--test", script], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), stdout, stderr })
    })
  })
}

const script = fileURLToPath(new URL("../../../../test/sdk-node20.mjs", import.meta.url))
const name = "the built SDK does on the system's Node what it does on this one"

it.runIf(isOldEnough)(
  name,
  async () => {
    const run = await runTests(script)
    expect(run.stderr).toBe("")
    expect(run.code, run.stdout).toBe(0)
    expect(run.stdout).toMatch(/pass 7\b/)
  },
  runMs + 10_000,
)
