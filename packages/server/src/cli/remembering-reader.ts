import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { loadProfile, openReader, type Reader } from "@postern/client"
import type { CommandIo } from "./io.ts"
import { printable } from "./printable.ts"

/** Where the newest checkpoint that was found right is remembered: beside the profile. */
export function checkpointFile(profile: string): string {
  return `${profile.replace(/\.ya?ml$/, "")}.checkpoint`
}

/**
 * A reader that begins where the last command ended: the log must continue the newest checkpoint that any command with
 * this profile has seen. Where nothing can be written beside the profile it says so once, and reads all the same.
 */
export function openRememberingReader(profile: string, io: CommandIo): Reader {
  const file = checkpointFile(profile)
  const remembered = existsSync(file) ? readFileSync(file, "utf8") : undefined
  let told = false
  const onCheckpoint = (note: string): void => {
    try {
      writeFileSync(`${file}.new`, note, { mode: 0o600 })
      renameSync(`${file}.new`, file)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!told) io.note(`postern: the checkpoint could not be remembered: ${printable(reason)}`)
      told = true
    }
  }
  const known = remembered === undefined ? {} : { remembered }
  return openReader(loadProfile(profile), { ...known, onCheckpoint })
}
