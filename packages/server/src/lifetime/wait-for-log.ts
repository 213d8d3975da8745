import { isPosternError } from "@postern/log/base"
import { followLog, type LogView } from "../disk/index.ts"
import type { Tell } from "./tell.ts"

const waitMs = 100
const waitsMax = 600

/** The log, read-only. The port makes it; at a first start it may be later than we are. Errors: NOT_FOUND after a minute, LOG_…. */
export async function waitForLog(directory: string, tell: Tell): Promise<LogView> {
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
