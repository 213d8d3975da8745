import { writeSync } from "node:fs"
import { isPosternError, PosternError } from "@postern/log/base"
import { loadConfig, withholdMemory } from "../config/index.ts"
import { systemClock } from "./clock.ts"
import { openPort, type PortWorld, type Tell } from "./port.ts"

const tell: Tell = (level, message, more = {}) => {
  const line = JSON.stringify({
    time: new Date().toISOString(),
    level,
    process: "port",
    message,
    ...more,
  })
  writeSync(2, `${line}\n`)
}

function fatal(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const code = isPosternError(error) ? error.code : "INTERNAL"
  tell("error", "fatal: the port stops here, nothing more is acknowledged", { code, error: text })
  process.exit(70)
}

async function run(file: string | undefined, more: PortProcessOptions): Promise<void> {
  if (file === undefined) throw new PosternError("USAGE", "node main.js CONFIG")
  const port = await openPort(loadConfig(file), { clock: systemClock(), tell, fatal, ...more })
  process.on("SIGHUP", () => {
    port.reload("signal").catch((error) => {
      if (!isPosternError(error)) fatal(error)
    })
  })
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    tell("info", "draining")
    port.close().then(() => process.exit(0), fatal)
  }
  process.on("SIGTERM", stop)
  // Ctrl-C reaches the whole group of a terminal; under a supervisor the order of ending is its to decide.
  process.on("SIGINT", () => process.connected || stop())
  process.on("disconnect", stop)
  // Last: whoever hears of it may send a signal at once.
  tell("info", "listening", port.addresses)
  process.send?.({ ready: port.addresses })
}

export type PortProcessOptions = Pick<PortWorld, "segmentBytesMax">

/**
 * Is the port process from now on. SIGTERM drains, SIGHUP reloads. Exit status 78 for what an operator must mend before
 * another start makes sense, 70 after a fatal error (start again: recovery decides), 0 after a drain.
 */
export function runPort(file: string | undefined, more: PortProcessOptions = {}): void {
  withholdMemory()
  process.on("uncaughtException", fatal)
  process.on("unhandledRejection", fatal)
  run(file, more).catch((error) => {
    // A disk that fails or is full may be well again: then another start makes sense.
    const mustBeMended =
      isPosternError(error) && (error.kind === "broken" || error.kind === "refused")
    if (!mustBeMended) return fatal(error)
    tell("error", error.message, { code: error.code, hint: error.hint })
    process.exit(78)
  })
}
