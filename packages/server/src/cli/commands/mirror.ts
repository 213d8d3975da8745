import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { loadProfile, type Profile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { KeyLearner, pinnedPolicy } from "@postern/log/evidence"
import { parsePolicy } from "@postern/log/tlog"
import type { Command } from "commander"
import { dataDirectories, loadConfig } from "../../config/index.ts"
import { replaceFile } from "../../disk/index.ts"
import {
  followOrigin,
  type MirrorEvent,
  type MirroredLog,
  MirrorLog,
  pruneMirror,
} from "../../mirror/index.ts"
import { helpGroups } from "../help-group.ts"
import type { CommandIo } from "../io.ts"
import { openMirrorOrigin } from "../mirror-origin.ts"
import { configOption, jsonOption, profileOption, wholeNumber } from "../options.ts"
import { printable } from "../printable.ts"
import { runProcesses } from "./serve.ts"

export function registerMirror(program: Command, io: CommandIo): void {
  const mirror = program
    .command("mirror")
    .helpGroup(helpGroups.check)
    .summary("keep a verified copy of the log on this machine")
    .description(
      "Follows the log through its read port until SIGTERM or Ctrl-C and keeps a copy in DIR, the same slot by slot. " +
        "Every hash is derived again before anything is written, and the port is told how far the copy is synced. " +
        "The read port records that the log is mirrored.",
    )
    .argument("<dir>", "the copy's log directory; made if it is not there")
    .addOption(profileOption())
    .option(
      "--keep <days>",
      "remove what the log says went by its rule, once it is so old here too; default: never",
      wholeNumber("--keep", 1, 36_500),
    )
    .addOption(jsonOption())
    .addHelpText("after", examples)
    .action(async (directory: string, flags: MirrorFlags) => {
      await runMirror(directory, flags, io)
    })
  mirror
    .command("serve")
    .summary("serve reads from the copy")
    .description(
      "Runs a reader process over the copy until SIGTERM or Ctrl-C; there is no way to write. In postern.yaml, `data` holds " +
        "the copy as `log`, `listen.read` is this machine's, and `listen.write` is the port's own address: what is read " +
        "here is recorded in this process's spool and delivered there when it is reachable.",
    )
    .addOption(configOption())
    .addHelpText("after", serveExamples)
    .action(async (_flags: unknown, command: Command) => {
      // `--profile` is the parent's too: it takes it wherever it stands.
      await serveMirror(command.optsWithGlobals<{ config: string; profile: string }>(), io)
    })
}

const serveExamples = `
Examples:
  postern mirror serve --config /srv/mirror/postern.yaml --profile mirror.yaml`

/** The port leaves its verifier key for its reader process; here it comes from the mirror's profile. */
async function serveMirror(flags: { config: string; profile: string }, io: CommandIo) {
  const config = loadConfig(resolve(flags.config))
  const { log } = loadProfile(flags.profile)
  if (log.origin !== config.origin) {
    throw new PosternError(
      "CONFIG_INVALID",
      `the profile is for ${log.origin}, not ${config.origin}`,
    )
  }
  const { portState } = dataDirectories(config)
  mkdirSync(portState, { recursive: true, mode: 0o700 })
  await replaceFile(join(portState, "vkey"), `${log.vkey}\n`)
  await runProcesses(config, ["reader"], io)
}

const examples = `
Exit codes: 0 stopped, 11 the log shows another history than the copy (kept in DIR/evidence), 3 what came is damaged.

Examples:
  postern mirror /srv/mirror/data/log --profile mirror.yaml
  postern verify /srv/mirror/data/log --profile mirror.yaml`

interface MirrorFlags {
  readonly profile: string
  readonly keep?: number
  readonly json?: true
}

const pruneEveryMs = 86_400_000

async function runMirror(directory: string, flags: MirrorFlags, io: CommandIo): Promise<void> {
  const profile = loadProfile(flags.profile)
  const origin = openMirrorOrigin(profile)
  const mirrored = await mirroredLog(directory, profile, origin)
  const log = await MirrorLog.open(directory, mirrored)
  await mirrored.keys?.refresh()
  const stop = new AbortController()
  const end = () => stop.abort()
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, end)
  const { keep } = flags
  const pruning =
    keep === undefined ? undefined : setInterval(() => void prune(log, keep, io), pruneEveryMs)
  try {
    if (keep !== undefined) await prune(log, keep, io)
    await followOrigin({
      log,
      origin,
      signal: stop.signal,
      tell: (event) => tell(event, flags.json === true, io),
      pause: (ms) => pause(ms, stop.signal),
      now: () => io.now(),
      elapsedMs: () => performance.now(),
    })
  } finally {
    clearInterval(pruning)
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.off(signal, end)
    origin.close()
    await log.close()
  }
}

/** What cannot be removed now stays until tomorrow. */
async function prune(log: MirrorLog, days: number, io: CommandIo): Promise<void> {
  try {
    const to = await pruneMirror(log, days, io.now().getTime())
    if (to !== undefined) io.note(`postern: mirror: entries before ${to} are gone by rule`)
  } catch (error) {
    if (!isPosternError(error)) throw error
    io.note(`postern: mirror: nothing could be removed: ${error.message}`)
  }
}

/** The log with its keys; proofs of their changes are kept in the copy as they are in the log itself. */
async function mirroredLog(
  directory: string,
  { log, policy }: Profile,
  origin: { keys(): Promise<string> },
): Promise<MirroredLog> {
  const file = join(directory, "keys")
  const world = {
    ask: () => origin.keys(),
    learned: (proofs: string) => replaceFile(file, proofs),
  }
  const trusted = policy === undefined ? pinnedPolicy([log.vkey]) : parsePolicy(policy)
  const remembered = existsSync(file) ? readFileSync(file, "utf8") : ""
  return { ...log, keys: await KeyLearner.open(trusted, log.origin, world, remembered) }
}

function tell(event: MirrorEvent, json: boolean, io: CommandIo): void {
  if (json) return io.line(JSON.stringify({ time: io.now().toISOString(), ...event }))
  io.line(printable(describe(event)))
}

function describe(event: MirrorEvent): string {
  switch (event.what) {
    case "following":
      return `following from slot ${event.slot}: ${event.size} of ${event.head} entries`
    case "confirmed":
      return `${event.size} entries are synced here, ${event.lag} are not yet`
    case "unconfirmed":
      return `${event.size} entries are synced here; the port was not told (${event.code})`
    case "waiting":
      return `waiting ${event.ms} ms: ${event.reason} (${event.code})`
  }
}

/** Resolves after `ms`, or as soon as the signal comes. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener("abort", done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    if (signal.aborted) done()
    else signal.addEventListener("abort", done)
  })
}
