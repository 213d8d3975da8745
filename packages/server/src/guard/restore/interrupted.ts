import { existsSync } from "node:fs"
import { join } from "node:path"
import { isPosternError } from "@postern/log/base"
import { openLogDirectory } from "../../disk/index.ts"
import { verifierKey } from "../pki/index.ts"
import { epochName, nextOrigin } from "./epoch.ts"
import { asideName, putInPlace } from "./places.ts"
import type { Restored, RestoreOptions } from "./restore.ts"
import { demandLogKey } from "./successor.ts"
import { nameSuccessor } from "./texts.ts"

/**
 * Finishes what an interrupted run had decided: the new directory was whole but not in its place, or in its place but
 * not named in postern.yaml. Undefined if there is nothing of the kind.
 */
export async function finishInterrupted(options: RestoreOptions): Promise<Restored | undefined> {
  const { config, directory, now } = options
  const next = nextOrigin(config.origin)
  const made = await originOf(`${directory}.new`)
  const closed = existsSync(join(`${directory}.${epochName(config.origin)}`, "successor"))
  const place = made !== undefined && (!existsSync(directory) || (made === next && closed))
  if (place) await putInPlace(directory, asideName(directory, now))
  const origin = await originOf(directory)
  if (origin === next) {
    const vkey = verifierKey(origin, demandLogKey(options))
    const changed = nameSuccessor(config, { origin, vkey })
    return { kind: "finished", origin, changed }
  }
  return place && origin !== undefined ? { kind: "finished", origin, changed: [] } : undefined
}

/** Undefined for what is no log directory, or none any more. */
async function originOf(path: string): Promise<string | undefined> {
  try {
    return (await openLogDirectory(path)).origin
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}
