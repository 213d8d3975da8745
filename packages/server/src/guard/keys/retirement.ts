import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import type { Config } from "../../config/index.ts"
import { changeFile, destroyFile, logVerifierKey, profilesDirectory } from "../setup/index.ts"
import { changeConfigText } from "./config-change.ts"
import { reportKeys, retiringVkey } from "./key-report.ts"

export interface Retirement {
  readonly vkey: string
  /** The file that was overwritten and removed; undefined if it is not ours to destroy. */
  readonly destroyed: string | undefined
  /** Profiles of this installation that name the new key now. */
  readonly profiles: readonly string[]
}

/**
 * Takes the old log key out of postern.yaml, names the new one in the profiles beside it, and destroys the old key's file. The
 * entry that says so is written at the port's next start.
 * @throws PosternError NOT_FOUND if no key is retiring · CHECK_INCOMPLETE if somebody who pinned the old key could not get to the new one
 */
export async function retireLogKey(config: Config): Promise<Retirement> {
  const file = config.pki.retiringLogKey
  const vkey = retiringVkey(config)
  if (file === undefined || vkey === undefined) {
    throw new PosternError("NOT_FOUND", `${config.file}: pki.retiringLogKey names no key`)
  }
  const { proven, problem } = await reportKeys(config)
  if (!proven) {
    const why = problem ?? "the change is not in the log: start the port first"
    throw new PosternError(
      "CHECK_INCOMPLETE",
      `who pinned the old key cannot learn the new: ${why}`,
    )
  }
  const next = logVerifierKey(config)
  const profiles = profilesThatPin(config, vkey)
  for (const profile of profiles) {
    changeFile(profile, () => withKey(readFileSync(profile, "utf8"), vkey, next))
  }
  changeFile(config.file, () =>
    changeConfigText(readFileSync(config.file, "utf8"), config, {
      retiringLogKey: undefined,
      logKeyCertificate: undefined,
    }),
  )
  if (file.startsWith("credential:")) return { vkey, destroyed: undefined, profiles }
  destroyFile(file) // The point of no return.
  return { vkey, destroyed: file, profiles }
}

function profilesThatPin(config: Config, vkey: string): string[] {
  const directory = profilesDirectory(config)
  if (!existsSync(directory)) return []
  const files = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name))
  return files
    .map((name) => join(directory, name))
    .filter((file) => {
      try {
        return parseProfile(readFileSync(file, "utf8")).log.vkey === vkey
      } catch (error) {
        if (isPosternError(error)) return false // Somebody else's file in the directory.
        throw error
      }
    })
}

/** The profile with the new key, in its policy too unless that names the new one already. */
function withKey(text: string, vkey: string, next: string): string {
  return text.includes(next) ? text.replace(vkey, next) : text.replaceAll(vkey, next)
}
