import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { SettingsAnswer } from "./read-settings.ts"

const run = promisify(execFile)
const main = fileURLToPath(new URL("./settings-process.ts", import.meta.url))

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-settings-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** What is said of an agent.yaml with such a source; the profile is not there. */
async function answerOf(source: object): Promise<SettingsAnswer> {
  const file = join(directory, "agent.yaml")
  const sources = [{ name: "app", file: "app.log", ...source }]
  writeFileSync(file, JSON.stringify({ profile: "writer.yaml", state: "state", sources }))
  const { stdout } = await run(process.execPath, [main, file])
  return JSON.parse(stdout) as SettingsAnswer
}

test.each([
  ["is wrong in itself", { format: "unheard-of" }, "CONFIG_INVALID", "agent.yaml line 1"],
  ["names a mapping that is not there", { mapping: "no.yaml" }, "CONFIG_INVALID", "no.yaml"],
  ["names a mapping that is none", { mapping: "bad.yaml" }, "MAPPING_INVALID", "bad.yaml line 1"],
  ["names a profile that is not there", {}, "PROFILE_INVALID", "writer.yaml"],
])("an agent.yaml that %s is told of with its code", async (_, source, code, detail) => {
  writeFileSync(join(directory, "bad.yaml"), "{nonsense: 1}")
  const { settings, problem } = await answerOf(source)
  expect(settings).toBeUndefined()
  expect(problem?.code).toBe(code)
  expect(problem?.detail).toContain(detail)
})
