import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"
import { parseCheckpoint, parseNote } from "@postern/log/tlog"
import { dataDirectories, formatHostPort } from "../config/index.ts"
import type { CourierTask, CourierWorld } from "./task.ts"
import { openExchange } from "./witnesses/index.ts"

const answerMs = 5_000

/**
 * Says to an outside address that this log is alive, as long as the port says that it is ready; undefined if none is configured.
 * Silence is the alarm: a dead host sends nothing, and neither do we for a port that takes no events.
 */
export function openHeartbeat({
  config,
  tell,
}: Pick<CourierWorld, "config" | "tell">): CourierTask | undefined {
  const { heartbeat, listen, origin } = config
  const [ops] = listen.ops
  if (heartbeat === undefined) return undefined
  if (ops === undefined) throw new PosternError("CONFIG_INVALID", "listen.ops is empty")
  const wire = openExchange(answerMs)
  const readiness = `http://${formatHostPort(ops)}/readyz`
  const checkpoint = join(dataDirectories(config).log, "checkpoint")
  let said = ""
  let underWay = false

  const beat = async (): Promise<string> => {
    const { status: ready } = await wire.exchange("GET", readiness)
    if (ready !== 200) return "withheld: the port is not ready"
    const body = JSON.stringify({ origin, ...newest(checkpoint) })
    const { status } = await wire.exchange("POST", heartbeat.url, body)
    return status >= 200 && status < 300 ? "taken" : `refused with status ${status}`
  }
  /** What changes is told, not every beat. The address may hold a secret, so it is never named. */
  const tick = async (): Promise<void> => {
    if (underWay) return
    underWay = true
    const state = await beat().catch((error) => {
      const detail = error instanceof PosternError ? error.detail : undefined
      return `failed: ${detail ?? String(error)}`
    })
    underWay = false
    if (state !== said) tell(state === "taken" ? "info" : "warn", "heartbeat", { state })
    said = state
  }
  const timer = setInterval(() => void tick(), heartbeat.everySeconds * 1000)
  void tick()
  return {
    what: "sending heartbeats",
    async close() {
      clearInterval(timer)
      wire.close()
    },
  }
}

/** Size and age of the newest checkpoint. An old one is no fault where nothing is written. */
function newest(file: string): { size: number; ageSeconds: number } {
  const { size } = parseCheckpoint(parseNote(readFileSync(file, "utf8")).text)
  const ageSeconds = Math.max(0, Math.round((Date.now() - statSync(file).mtimeMs) / 1000))
  return { size, ageSeconds }
}
