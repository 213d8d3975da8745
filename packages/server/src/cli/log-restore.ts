import { randomBytes } from "node:crypto"
import { readFileSync, realpathSync } from "node:fs"
import { hostname, userInfo } from "node:os"
import { resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import { createEventId } from "@postern/log/event"
import { dataDirectories, readSecretFile } from "../config/index.ts"
import { everyLogKey } from "../guard/keys/index.ts"
import { type Restored, restoreLog } from "../guard/restore/index.ts"
import { loadInstallation } from "./installation.ts"
import type { CommandIo } from "./io.ts"
import { printable } from "./printable.ts"
import { createProgress } from "./progress.ts"

export interface RestoreFlags {
  readonly config: string
  readonly from?: string
  readonly acceptLoss?: true
  readonly reason?: string
  readonly seen?: readonly string[]
  readonly progress?: true
  readonly json?: true
}

const reasonCharactersMax = 500

/** Restores the configured log directory and says what was done. Errors: USAGE, and those of restoreLog. */
export async function runRestore(
  directory: string,
  flags: RestoreFlags,
  io: CommandIo,
): Promise<void> {
  const config = loadInstallation(flags.config)
  const own = dataDirectories(config).log
  if (resolvePath(directory) !== resolvePath(own)) {
    throw new PosternError("USAGE", `${flags.config} says that the log is ${own}`)
  }
  const [vkey, ...olderKeys] = everyLogKey(config)
  const now = io.now()
  const progress = createProgress(io, "entries", flags.progress === true)
  const restored = await restoreLog({
    config,
    directory: own,
    vkey,
    olderKeys,
    logKey: config.pki.logKey === undefined ? undefined : readSecretFile(config.pki.logKey),
    from: flags.from === undefined ? undefined : resolve(flags.from),
    acceptLoss: acceptance(flags),
    seen: (flags.seen ?? []).map((file) => ({ by: file, note: readFileSync(file, "utf8") })),
    now,
    eventId: createEventId(now, new Uint8Array(randomBytes(16))),
    progress: (done, of) => progress.at(done, of),
  }).finally(() => progress.end())
  io.line(flags.json ? JSON.stringify(restored) : printableLines(describe(restored, own)))
}

function acceptance({ acceptLoss, reason }: RestoreFlags) {
  if ((acceptLoss === undefined) !== (reason === undefined)) {
    throw new PosternError("USAGE", "--accept-loss needs --reason TEXT, and goes with it only")
  }
  if (reason === undefined) return undefined
  if (reason.trim() === "" || reason.length > reasonCharactersMax) {
    throw new PosternError("USAGE", `--reason takes 1 to ${reasonCharactersMax} characters`)
  }
  return { reason, operator: `${userInfo().username}@${hostname()}` }
}

/** A directory that is lost has a name all the same. */
function resolvePath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

function printableLines(lines: readonly string[]): string {
  return lines.map(printable).join("\n")
}

function describe(restored: Restored, directory: string): string[] {
  switch (restored.kind) {
    case "copied":
      return [
        `nothing was lost: ${restored.size} entries are back in ${directory}`,
        `root ${restored.root}`,
        ...(restored.aside === undefined ? [] : [`what was there is in ${restored.aside}`]),
      ]
    case "finished":
      return [
        `an interrupted restore was finished: ${directory} holds ${restored.origin}`,
        ...restored.changed.map((file) => `changed: ${file}`),
      ]
    case "successor": {
      const { began, origin, vkey, aside, changed } = restored
      const { from, to, exact } = began.missing
      const missing =
        from === to ? "none is known to be missing" : `entries ${from} to ${to} are missing`
      return [
        `the epoch ${began.previous.origin} has ended, ${origin} has begun`,
        exact ? missing : `${missing}; more may have been acknowledged: the receipts say which`,
        `${began.left.size} entries are left, in ${began.left.directory} beside the log`,
        ...(aside === undefined ? [] : [`what was there is in ${aside}`]),
        ...changed.map((file) => `changed: ${file}`),
        "writers and readers need these two lines in their profiles:",
        `  origin: ${origin}`,
        `  vkey: "${vkey}"`,
      ]
    }
  }
}
