import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { loadProfile, openReader, type Reader } from "@postern/client"
import type { CommandIo } from "./io.ts"
import { printable } from "./printable.ts"

/** Where the newest checkpoint that was found right is remembered: beside the profile. */
export function checkpointFile(profile: string): string {
  return `${profile.replace(/\.ya?ml$/, "")}.checkpoint`
}

/** Where the log's keys that were learned are remembered: beside the profile. */
export function keysFile(profile: string): string {
  return `${profile.replace(/\.ya?ml$/, "")}.keys`
}

/**
 * A reader that begins where the last command ended: the log must continue the newest checkpoint that any command with
 * this profile has seen. Where nothing can be written beside the profile it says so once, and reads all the same.
 * @param isLong the command runs until it is ended: then it renews the certificate in the profile, which takes longer than others run
 */
export function openRememberingReader(profile: string, io: CommandIo, isLong = false): Reader {
  const file = checkpointFile(profile)
  const remembered = existsSync(file) ? readFileSync(file, "utf8") : undefined
  const keys = keysFile(profile)
  const rememberedKeys = existsSync(keys) ? readFileSync(keys, "utf8") : undefined
  let told = false
  const remember = (path: string, text: string, what: string): void => {
    const problem = keepBeside(path, text)
    if (problem !== undefined && !told)
      io.note(`postern: ${what} could not be remembered: ${problem}`)
    told ||= problem !== undefined
  }
  return openReader(isLong ? profile : loadProfile(profile), {
    ...(remembered === undefined ? {} : { remembered }),
    ...(rememberedKeys === undefined ? {} : { rememberedKeys }),
    onCheckpoint: (note) => remember(file, note, "the checkpoint"),
    onProblem: ({ message }) => io.note(printable(`postern: ${message}`)),
    onKeys: (proofs) => remember(keys, proofs, "the log's new key"),
  })
}

/** Replaces the file, also while other commands replace it; gives what went wrong. */
export function keepBeside(file: string, text: string): string | undefined {
  const own = `${file}.${process.pid}.new`
  try {
    writeFileSync(own, text, { mode: 0o600 })
    renameSync(own, file)
    return undefined
  } catch (error) {
    rmSync(own, { force: true })
    return printable(error instanceof Error ? error.message : String(error))
  }
}
