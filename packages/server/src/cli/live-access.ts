import { existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { z } from "zod"
import { parseAccess } from "../access/index.ts"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { profilesDirectory } from "../guard/setup/index.ts"
import { adminClient, isNotRunning } from "./admin-client.ts"

/**
 * What became of a changed access list. live: port and reader both work by it · port: the port
 * does, the reader has not said so yet · at-start: the service is not running · unknown: nobody
 * could be asked.
 */
export type AccessState = "live" | "port" | "at-start" | "unknown"

export interface ApplyOptions {
  readonly config: Config
  /** The operator's profile; default profiles/operator.yaml of the installation. */
  readonly profile?: string
  /** How long the reader may take; default 10,000. */
  readonly timeoutMs?: number
}

/**
 * Asks the running service to take the access list on disk over and waits until both processes have
 * said so. A service that refuses the list is an error; one that is not running is not.
 */
export async function applyAccess(options: ApplyOptions): Promise<AccessState> {
  const { config } = options
  const file = options.profile ?? join(profilesDirectory(config), "operator.yaml")
  if (options.profile === undefined && !existsSync(file)) return "unknown"
  const deadlineMs = Date.now() + (options.timeoutMs ?? 10_000)
  try {
    const { digest } = await adminClient(loadProfile(file)).reload()
    // Somebody else may have changed the list again meanwhile: what counts is the file as it is
    // now.
    const wanted = parseAccess(readTextFile(config.access)).digest
    if (digest !== wanted) {
      throw new PosternError(
        "ACCESS_INVALID",
        `the service works by list ${digest}, not by ${wanted}`,
      )
    }
    return (await readerApplied(config, wanted, deadlineMs)) ? "live" : "port"
  } catch (error) {
    if (isNotRunning(error)) return "at-start"
    throw error
  }
}

/** The list that the running service works by. Errors: UNREACHABLE if it is not running, and those of the admin plane. */
export async function listInForce(
  config: Config,
  profile = join(profilesDirectory(config), "operator.yaml"),
): Promise<{ readonly digest: string; readonly text: string }> {
  return adminClient(loadProfile(profile)).access()
}

/** One sentence for the person who changed the list. */
export function describeState(state: AccessState): string {
  switch (state) {
    case "live":
      return "in force: port and reader work by the new access list"
    case "port":
      return "in force at the port; the reader has not reported it yet (is it running?)"
    case "at-start":
      return "the service is not running: the list will hold from its next start on"
    case "unknown":
      return "no operator profile here, so the service was not asked: send it SIGHUP, or start it"
  }
}

const reported = z.object({ digest: z.string() })

async function readerApplied(config: Config, digest: string, deadlineMs: number): Promise<boolean> {
  const file = dataDirectories(config).readerAccess
  for (;;) {
    if (readerDigest(file) === digest) return true
    if (Date.now() >= deadlineMs) return false
    await delay(50)
  }
}

/** Undefined while the reader has not written it, or is writing it. */
function readerDigest(file: string): string | undefined {
  try {
    return reported.safeParse(JSON.parse(readTextFile(file))).data?.digest
  } catch {
    return undefined // Not there yet, or half there: asked again until the deadline.
  }
}
