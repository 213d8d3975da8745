import { existsSync, readdirSync, readFileSync, renameSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { formatProfile, parseProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { rootKeyName } from "@postern/log/evidence"
import { formatVkey, parseVkey } from "@postern/log/tlog"
import { type Config, parseConfig } from "../../config/index.ts"
import { changeFile } from "../setup/index.ts"
import { epochName } from "./epoch.ts"

/**
 * Names the successor in postern.yaml (one line, the rest stays as it is) and in the profiles beside it that pin the
 * old log. Gives the files that were changed. Errors: CONFIG_INVALID if postern.yaml does not name the origin on a line of its own.
 */
export function nameSuccessor(
  config: Config,
  next: { readonly origin: string; readonly vkey: string },
): string[] {
  const text = readFileSync(config.file, "utf8")
  const changed = withoutOldKeys(text, config, next.origin).replace(
    /^origin:.*$/m,
    `origin: ${next.origin}`,
  )
  if (parseConfig(changed, config.file).origin !== next.origin) {
    throw new PosternError("CONFIG_INVALID", `${config.file} does not name its origin on a line`)
  }
  const files: string[] = []
  for (const file of profilesBeside(config)) {
    const profile = parseProfileFile(file)
    if (profile?.log.origin !== config.origin) continue
    changeFile(file, () => formatProfile({ ...profile, log: next }))
    files.push(file)
    // What the profile's reader remembered is a checkpoint of the old log: it says nothing of the new one.
    const memory = memoryOf(file)
    if (existsSync(memory)) renameSync(memory, `${memory}.${epochName(config.origin)}`)
  }
  const { signedMemory } = config
  // It remembers sizes of the old log, and a port of the new one would refuse to start with it.
  if (signedMemory !== undefined && existsSync(signedMemory)) {
    renameSync(signedMemory, `${signedMemory}.${epochName(config.origin)}`)
    files.push(signedMemory)
  }
  // Last: while it names the old origin, the port refuses to start on the new log, and this can be done again.
  changeFile(config.file, () => changed)
  return [...files, config.file]
}

/** The successor begins with one log key, and knows the root key by its own name. */
function withoutOldKeys(text: string, { rootVkey }: Config, origin: string): string {
  const alone = text.replace(/^ +(?:retiringLogKey|logKeyCertificate):.*\n/gm, "")
  if (rootVkey === undefined) return alone
  const renamed = formatVkey(rootKeyName(origin), parseVkey(rootVkey).publicKey)
  return alone.replace(/^rootVkey:.*$/m, () => `rootVkey: ${JSON.stringify(renamed)}`)
}

/** Checkpoints that readers of this installation remember beside their profiles. */
export function rememberedNotes(config: Config): { by: string; note: string }[] {
  return profilesBeside(config)
    .map(memoryOf)
    .filter((file) => existsSync(file))
    .map((file) => ({ by: basename(file), note: readFileSync(file, "utf8") }))
}

function memoryOf(profile: string): string {
  return `${profile.replace(/\.ya?ml$/, "")}.checkpoint`
}

function profilesBeside({ file }: Config): string[] {
  const directory = join(dirname(file), "profiles")
  if (!existsSync(directory)) return []
  const names = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name))
  return names.map((name) => join(directory, name))
}

/** Undefined for what is not a profile: somebody else's file in the directory. */
function parseProfileFile(file: string) {
  try {
    return parseProfile(readFileSync(file, "utf8"))
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}
