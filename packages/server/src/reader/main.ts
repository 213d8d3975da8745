import { writeSync } from "node:fs"
import { isPosternError, PosternError } from "@postern/log/base"
import { dataDirectories, loadConfig } from "../config/index.ts"
import { followLog, type LogView } from "../disk/index.ts"
import { openReadProcess, type Tell } from "./reader.ts"

/**
 * The reader process: `node main.js CONFIG`. SIGTERM drains, SIGHUP reloads. Exit status 78 for what an operator must
 * mend before another start makes sense. It may crash or be killed at any time without the port noticing.
 */
const tell: Tell = (level, message, more = {}) => {
  const line = JSON.stringify({
    time: new Date().toISOString(),
    level,
    process: "reader",
    message,
    ...more,
  })
  writeSync(2, `${line}\n`)
}

const waitMs = 200
const waitsMax = 300

/** The port makes the log; at a first start it may be later than we are. */
async function waitForLog(directory: string): Promise<LogView> {
  for (let waits = 0; ; waits++) {
    try {
      return await followLog(directory)
    } catch (error) {
      if (!isPosternError(error) || error.code !== "NOT_FOUND" || waits === waitsMax) throw error
      if (waits === 0) tell("info", "waiting for the port to begin the log")
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
}

async function main(): Promise<void> {
  const [file] = process.argv.slice(2)
  if (file === undefined) throw new PosternError("USAGE", "node main.js CONFIG")
  const config = loadConfig(file)
  const view = await waitForLog(dataDirectories(config).log)
  const { process: reading, addresses } = await openReadProcess(config, view, tell)
  process.on("SIGHUP", () => void reading.reload())
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    reading.close().then(() => process.exit(0), failed)
  }
  for (const signal of ["SIGTERM", "disconnect"] as const) process.on(signal, stop)
  // Ctrl-C reaches the whole group of a terminal; under a supervisor the order of ending is its to decide.
  process.on("SIGINT", () => process.connected || stop())
  // Last: whoever hears of it may send a signal at once.
  tell("info", "listening", { read: addresses })
  process.send?.({ ready: { read: addresses } })
}

/** Another start makes no sense before somebody has mended these. Everything else may pass, and must not end the port too. */
const mustBeMended: ReadonlySet<string> = new Set([
  "USAGE",
  "CONFIG_INVALID",
  "ACCESS_INVALID",
  "PROFILE_INVALID",
  "ADDRESS_IN_USE",
  "BIND_REFUSED",
  "LOG_FORMAT",
])

function failed(error: unknown): void {
  if (isPosternError(error)) tell("error", error.message, { code: error.code, hint: error.hint })
  else tell("error", error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exit(isPosternError(error) && mustBeMended.has(error.code) ? 78 : 1)
}

process.on("uncaughtException", failed)
process.on("unhandledRejection", failed)
main().catch(failed)
