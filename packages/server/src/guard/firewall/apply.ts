import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { PosternError } from "@postern/log/base"
import { formatHostPort, type HostPort } from "../../config/index.ts"
import { driftOf, type LiveFirewall } from "./live.ts"
import { liveFirewalls } from "./live-firewalls.ts"
import { answeringOf } from "./probe.ts"
import {
  keepUnconfirmed,
  readUnconfirmed,
  takeUnconfirmed,
  type Unconfirmed,
} from "./unconfirmed.ts"

export interface ApplyOptions {
  readonly live: LiveFirewall
  readonly text: string
  /** Addresses of the port on this machine; those that answer before must answer afterwards. */
  readonly addresses: readonly HostPort[]
  readonly confirmWithinMs: number
  /** postern.yaml, absolute: kept with the change. */
  readonly config: string
  readonly directory: string
}

/** Undefined: the rules were there already, and nothing was touched. */
export type Applied =
  | { readonly answering: readonly HostPort[]; readonly deadlineMs: number }
  | undefined

/**
 * Checks the text, remembers the rules of before, starts the timer that brings them back, and only then loads. What
 * fails after that is taken back at once. Errors: FIREWALL_UNCONFIRMED, FIREWALL_FAILED (the rules of before are in force).
 */
export async function apply(options: ApplyOptions): Promise<Applied> {
  const { live, text, config, directory } = options
  if (readUnconfirmed(directory) !== undefined) throw new PosternError("FIREWALL_UNCONFIRMED")
  await live.check(text)
  const intended = await live.intended(text)
  const before = await live.present()
  if (driftOf(before, intended) === undefined) return undefined
  const answering = await answeringOf(options.addresses)
  const deadlineMs = Date.now() + options.confirmWithinMs
  const change = {
    id: randomUUID(),
    dialect: live.dialect,
    config,
    saved: before.saved,
    deadlineMs,
  }
  keepUnconfirmed(directory, change)
  startTimer(directory, change)
  try {
    await live.load(text, before, intended)
    await demand(live, intended, answering)
    if (readUnconfirmed(directory)?.id !== change.id) {
      throw new PosternError("FIREWALL_FAILED", "the time to confirm ran out meanwhile")
    }
  } catch (error) {
    const taken = await rollBack(directory, change.id)
    // The timer was here first, and may have been before the rules were loaded.
    if (taken === undefined) await live.restore(before.saved, await live.present())
    const why = error instanceof PosternError ? (error.detail ?? error.code) : String(error)
    throw new PosternError("FIREWALL_FAILED", `${why}; the rules of before are back`, {
      cause: error,
    })
  }
  return { answering, deadlineMs }
}

async function demand(
  live: LiveFirewall,
  intended: Awaited<ReturnType<LiveFirewall["intended"]>>,
  answering: readonly HostPort[],
): Promise<void> {
  const drift = driftOf(await live.present(), intended)
  if (drift !== undefined) {
    const line = drift.missing[0] ?? drift.foreign[0]
    throw new PosternError("FIREWALL_FAILED", `the rules are not what was loaded: ${line}`)
  }
  const still = await answeringOf(answering)
  const silent = answering.find((address) => !still.includes(address))
  if (silent !== undefined) {
    const which = formatHostPort(silent)
    throw new PosternError("FIREWALL_FAILED", `${which} does not answer any more`)
  }
}

/** Keeps the rules that wait. Errors: FIREWALL_ROLLED_BACK if none do. */
export function confirm(directory: string): Unconfirmed {
  const change = takeUnconfirmed(directory)
  if (change === undefined) throw new PosternError("FIREWALL_ROLLED_BACK")
  return change
}

/**
 * Brings back the rules from before the change that waits; with `id`, only if it is that one. Undefined if none does: it was
 * confirmed or taken back already. Errors: FIREWALL_FAILED, and the change waits on.
 */
export async function rollBack(directory: string, id?: string): Promise<Unconfirmed | undefined> {
  const change = takeUnconfirmed(directory, id)
  if (change === undefined) return undefined
  try {
    const live = liveFirewalls.find(({ dialect }) => dialect === change.dialect)
    if (live === undefined) throw new PosternError("FIREWALL_FAILED", `no ${change.dialect} here`)
    await live.restore(change.saved, await live.present())
    return change
  } catch (error) {
    keepUnconfirmed(directory, change)
    throw error
  }
}

/** A process of its own session, so that it outlives this one, its terminal and its login. */
function startTimer(directory: string, { id, deadlineMs }: Unconfirmed): void {
  const main = fileURLToPath(new URL("./timer-main.js", import.meta.url))
  const child = spawn(process.execPath, [main, directory, id, String(deadlineMs)], {
    cwd: "/",
    detached: true,
    stdio: "ignore",
  })
  child.unref()
}
