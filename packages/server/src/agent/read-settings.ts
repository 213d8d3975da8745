import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { type ErrorCode, PosternError } from "@postern/log/base"
import type { AgentSettings } from "./settings/index.ts"

/** What the other process says; one of the two. */
export interface SettingsAnswer {
  readonly settings?: AgentSettings
  readonly problem?: { readonly code: ErrorCode; readonly detail: string | undefined }
}

const run = promisify(execFile)
const main = fileURLToPath(new URL("./settings-process.js", import.meta.url))
const answerBytesMax = 16 * 1024 * 1024

/**
 * Reads agent.yaml in a process of its own: what reads YAML strictly takes 16 MB, which an agent that lives for months would have for a
 * moment of work. Errors: CONFIG_INVALID, PROFILE_INVALID, MAPPING_INVALID; also what only shows when the files that it names are read.
 */
export async function readSettings(file: string): Promise<AgentSettings> {
  const { stdout } = await run(process.execPath, [main, file], { maxBuffer: answerBytesMax })
  const { settings, problem } = JSON.parse(stdout) as SettingsAnswer
  if (problem !== undefined) throw new PosternError(problem.code, problem.detail)
  return settings as AgentSettings
}
