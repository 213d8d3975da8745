import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { existsSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { isPosternError, PosternError } from "@postern/log/base"
import { formatHostPort, type HostPort } from "../../config/index.ts"
import {
  digestOfRules,
  keepApplied,
  putAppliedText,
  readApplied,
  readAppliedText,
} from "./applied-rules.ts"
import { driftOf, type LiveFirewall, type Snapshot } from "./live.ts"
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
  /** Where it is written down what was applied. */
  readonly appliedRules: string
  /** The service's user, if somebody named one. */
  readonly uid: number | undefined
}

export interface Applied {
  /** Undefined: the rules were there already, and nothing was touched. */
  readonly change:
    | { readonly answering: readonly HostPort[]; readonly deadlineMs: number }
    | undefined
  /** Whether they could be written down for whoever watches. */
  readonly isKept: boolean
}

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
  if (driftOf(before, intended) === undefined)
    return { change: undefined, isKept: writeDown(options, before) }
  const answering = await answeringOf(options.addresses)
  const deadlineMs = Date.now() + options.confirmWithinMs
  const change = {
    id: randomUUID(),
    dialect: live.dialect,
    config,
    saved: before.saved,
    applied: writtenBefore(options.appliedRules),
    deadlineMs,
  }
  keepUnconfirmed(directory, change)
  startTimer(directory, change)
  let isKept: boolean
  try {
    await live.load(text, before, intended)
    isKept = writeDown(options, await demand(live, intended, answering))
    if (readUnconfirmed(directory)?.id !== change.id) {
      throw new PosternError("FIREWALL_FAILED", "the time to confirm ran out meanwhile")
    }
  } catch (error) {
    const taken = await rollBack(directory, change.id)
    // The timer was here first, and may have been before the rules were loaded.
    if (taken === undefined) await bringBack(live, change)
    const why = error instanceof PosternError ? (error.detail ?? error.code) : String(error)
    throw new PosternError("FIREWALL_FAILED", `${why}; the rules of before are back`, {
      cause: error,
    })
  }
  return { change: { answering, deadlineMs }, isKept }
}

/** The rules in the kernel, which are those that are meant. False where there is no place for it. */
function writeDown({ live, text, uid, appliedRules }: ApplyOptions, now: Snapshot): boolean {
  return keepApplied(appliedRules, live.dialect, { digest: digestOfRules(text), uid, now })
}

/** What cannot be trusted now is not brought back either. */
function writtenBefore(file: string): Unconfirmed["applied"] {
  try {
    const before = readApplied(file) === undefined ? undefined : readAppliedText(file)
    return before === undefined ? { file } : { file, before }
  } catch (error) {
    if (!isPosternError(error)) throw error
    return { file }
  }
}

async function demand(
  live: LiveFirewall,
  intended: Snapshot,
  answering: readonly HostPort[],
): Promise<Snapshot> {
  const present = await live.present()
  const drift = driftOf(present, intended)
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
  return present
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
    await bringBack(live, change)
    return change
  } catch (error) {
    keepUnconfirmed(directory, change)
    throw error
  }
}

async function bringBack(live: LiveFirewall, { saved, applied }: Unconfirmed): Promise<void> {
  await live.restore(saved, await live.present())
  // Written down for whoever watches: gone with the directory, there is nothing to bring back.
  if (existsSync(dirname(applied.file))) putAppliedText(applied.file, applied.before)
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
