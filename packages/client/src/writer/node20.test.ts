import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

/** The machine's own Node, where it is another one than the tests run on. */
const systemNode = "/usr/bin/node"
const { stdout } = spawnSync(systemNode, ["--version"], { encoding: "utf8" })
const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)\./.exec(stdout ?? "") ?? []).map(Number)
const isOldEnough = major > 20 || (major === 20 && minor >= 19)
if (!isOldEnough) process.stderr.write(`SDK: no Node 20.19 at ${systemNode}, not tried there\n`)

it.runIf(isOldEnough)("the built SDK does on the system's Node what it does on this one", () => {
  const script = fileURLToPath(new URL("../../../../test/sdk-node20.mjs", import.meta.url))
  const run = spawnSync(systemNode, ["--test", script], { encoding: "utf8", timeout: 25_000 })
  expect(run.stderr).toBe("")
  expect(run.status, run.stdout).toBe(0)
  expect(run.stdout).toMatch(/pass 7\b/)
})
