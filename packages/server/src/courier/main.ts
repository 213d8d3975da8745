import { writeSync } from "node:fs"
import { isPosternError, PosternError } from "@postern/log/base"
import { dataDirectories, loadConfig } from "../config/index.ts"
import { followLog, type LogView } from "../disk/index.ts"
import { openCourier, type Tell } from "./courier.ts"
import { openHeartbeat } from "./heartbeat.ts"

/**
 * The courier process: `node main.js CONFIG`. It is the one that opens connections to the outside; it holds no signing
 * key, and the port believes none of its reports unchecked. SIGTERM ends it. Exit status 78 for what an operator must mend
 * before another start makes sense. It may crash or be killed at any time: the log goes on, unwitnessed.
 */
const tell: Tell = (level, message, more = {}) => {
  const line = JSON.stringify({
    time: new Date().toISOString(),
    level,
    process: "courier",
    message,
    ...more,
  })
  writeSync(2, `${line}\n`)
}

const waitMs = 100
const waitsMax = 600

/** The port makes the log; at a first start it may be later than we are. */
async function waitForLog(directory: string): Promise<LogView> {
  for (let waits = 0; ; waits++) {
    try {
      return await followLog(directory)
    } catch (error) {
      if (!isPosternError(error) || error.code !== "NOT_FOUND" || waits === waitsMax) throw error
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }
}

async function main(): Promise<void> {
  const [file] = process.argv.slice(2)
  if (file === undefined) throw new PosternError("USAGE", "node main.js CONFIG")
  const config = loadConfig(file)
  const view = await waitForLog(dataDirectories(config).log)
  const courier = config.witnesses === undefined ? undefined : openCourier(config, view, tell)
  const heartbeat = openHeartbeat(config, tell)
  if (courier === undefined && heartbeat === undefined) {
    throw new PosternError("CONFIG_INVALID", "neither witnesses nor heartbeat is set")
  }
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    heartbeat?.close()
    const closed = courier === undefined ? view.close() : courier.close()
    closed.then(() => process.exit(0), failed)
  }
  for (const signal of ["SIGTERM", "disconnect"] as const) process.on(signal, stop)
  // Certificates are read when they are needed; a changed policy needs a new start.
  process.on("SIGHUP", () => undefined)
  // Ctrl-C reaches the whole group of a terminal; under a supervisor the order of ending is its to decide.
  process.on("SIGINT", () => process.connected || stop())
  if (courier !== undefined) tell("info", "asking witnesses")
  if (heartbeat !== undefined) tell("info", "sending heartbeats")
  process.send?.({ ready: {} })
}

/** Another start makes no sense before somebody has mended these. */
const mustBeMended: ReadonlySet<string> = new Set([
  "USAGE",
  "CONFIG_INVALID",
  "POLICY_INVALID",
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
