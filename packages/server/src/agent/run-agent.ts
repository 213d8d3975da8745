import { fileURLToPath } from "node:url"
import { PosternError } from "@postern/log/base"

const main = new URL("./main.js", import.meta.url)
/** As the port's: a small young generation, and a heap that is cheaper to mark in one go than beside the work; that is rather soon. */
export const agentFlags: readonly string[] = [
  "--disallow-code-generation-from-strings",
  "--disable-proto=throw",
  "--max-semi-space-size=2",
  "--no-concurrent-marking",
  "--no-incremental-marking",
  "--heap-growing-percent=15",
]
/** One region for all threads: what glibc keeps for each of them (malloc(3), mallopt(3)) is memory that no other uses. */
export const agentEnvironment = { MALLOC_ARENA_MAX: "1" } as const

/** The command that runs an agent, and nothing of the command line beside it. */
export function agentCommand(configFile: string): readonly string[] {
  return [process.execPath, ...agentFlags, fileURLToPath(main), configFile]
}

/**
 * This process becomes the agent, with its standard input: two processes would take twice the memory.
 * Errors: USAGE where a process cannot (Windows).
 */
export function becomeAgent(configFile: string): never {
  // It would say that this is experimental, in the agent's journal at each start.
  process.removeAllListeners("warning")
  if (process.execve === undefined) throw new PosternError("USAGE", "not on this platform")
  return process.execve(process.execPath, [...agentCommand(configFile)], {
    ...agentEnvironment,
    ...process.env,
  })
}
