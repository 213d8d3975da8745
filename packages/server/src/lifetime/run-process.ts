import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import { openTell, type Tell } from "./tell.ts"

/** A process that does its work. */
export interface StartedProcess {
  /** Said to people at the start. */
  readonly message: string
  readonly facts?: object
  /** What the supervisor is told. */
  readonly ready: object
  /** SIGHUP. */
  reload(): void
  /** SIGTERM, or the supervisor is gone. */
  close(): Promise<void>
}

/** Another start makes no sense before somebody has mended these. Everything else may pass, and must not end the port too. */
const mustBeMended: readonly ErrorCode[] = ["USAGE", "CONFIG_INVALID", "LOG_FORMAT"]

/**
 * Is this process from now on: `node main.js CONFIG`. Exit status 78 for what an operator must mend before another start makes sense.
 * @param open rejects if it cannot start; `alsoMended` are further codes that only an operator can mend
 */
export function runProcess(
  name: string,
  open: (configFile: string, tell: Tell) => Promise<StartedProcess>,
  alsoMended: readonly ErrorCode[],
): void {
  const tell = openTell(name)
  const failed = (error: unknown): void => {
    if (isPosternError(error)) tell("error", error.message, { code: error.code, hint: error.hint })
    else tell("error", error instanceof Error ? (error.stack ?? error.message) : String(error))
    const isLasting = isPosternError(error) && [...mustBeMended, ...alsoMended].includes(error.code)
    process.exit(isLasting ? 78 : 1)
  }
  process.on("uncaughtException", failed)
  process.on("unhandledRejection", failed)
  start(open, tell, failed).catch(failed)
}

async function start(
  open: (configFile: string, tell: Tell) => Promise<StartedProcess>,
  tell: Tell,
  failed: (error: unknown) => void,
): Promise<void> {
  const [file] = process.argv.slice(2)
  if (file === undefined) throw new PosternError("USAGE", "node main.js CONFIG")
  const started = await open(file, tell)
  process.on("SIGHUP", () => started.reload())
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    started.close().then(() => process.exit(0), failed)
  }
  for (const signal of ["SIGTERM", "disconnect"] as const) process.on(signal, stop)
  // Ctrl-C reaches the whole group of a terminal; under a supervisor the order of ending is its to decide.
  process.on("SIGINT", () => process.connected || stop())
  // Last: whoever hears of it may send a signal at once.
  tell("info", started.message, started.facts)
  process.send?.({ ready: started.ready })
}
