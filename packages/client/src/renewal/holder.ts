import { randomBytes } from "node:crypto"
import { constants, realpathSync } from "node:fs"
import { access, open, readFile, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { PosternError } from "@postern/log/base"
import { loadProfile, type Profile, parseProfile, replacePair } from "../profile.ts"

/** What is new in a renewed profile, PEM. */
export interface RenewedPair {
  readonly certificate: string
  readonly key: string
}

/** Where a profile is kept: in a file, or by the application. */
export interface ProfileHolder {
  /** The profile as it is now. */
  read(): Profile
  /** Errors: PROFILE_INVALID if nothing new could be kept there. */
  demandRoom(): Promise<void>
  /** Puts the pair in the place of the old one; durable when it resolves. Errors: PROFILE_INVALID, those of node:fs. */
  keep(pair: RenewedPair): Promise<void>
}

type OnRenewed = (renewed: RenewedPair) => void | Promise<void>

/** A profile that the application holds, and how it keeps a new pair; without `onRenewed` it cannot. */
export function memoryHolder(profile: Profile, onRenewed: OnRenewed | undefined): ProfileHolder {
  let current = profile
  return {
    read: () => current,
    async demandRoom() {
      if (onRenewed !== undefined) return
      throw new PosternError("PROFILE_INVALID", "no onRenewed was given to keep a new certificate")
    },
    async keep(pair) {
      current = { ...current, ...pair }
      await onRenewed?.(pair)
    },
  }
}

/** A profile in a file, which others may replace too: read again each time, and as a whole replaced. Errors: PROFILE_INVALID. */
export function fileHolder(path: string, onRenewed?: OnRenewed): ProfileHolder {
  let known = loadProfile(path)
  return {
    read() {
      try {
        known = loadProfile(path)
      } catch {
        // Being replaced just now, perhaps; what was good before is used until the new one is.
      }
      return known
    },
    async demandRoom() {
      const directory = dirname(realpathSync(path))
      await access(directory, constants.W_OK).catch((cause) => {
        throw new PosternError("PROFILE_INVALID", `${directory} cannot be written to`, { cause })
      })
    },
    async keep(pair) {
      await replaceProfile(realpathSync(path), known.id, pair)
      await onRenewed?.(pair)
    },
  }
}

/** All but the pair stays as it stands in the file now, comments too. */
async function replaceProfile(file: string, id: string, pair: RenewedPair): Promise<void> {
  const text = replacePair(await readFile(file, "utf8"), pair)
  if (parseProfile(text).id !== id) {
    throw new PosternError("PROFILE_INVALID", `${file} is another identity's by now`)
  }
  const { mode, uid, gid } = await stat(file)
  const beside = join(dirname(file), `.renewed-${randomBytes(8).toString("hex")}`)
  try {
    const made = await open(beside, "wx", mode & 0o600)
    try {
      const own = await made.stat()
      if (own.uid !== uid || own.gid !== gid) await made.chown(uid, gid)
      await made.writeFile(text)
      await made.sync()
    } finally {
      await made.close()
    }
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  await syncDirectory(dirname(file))
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return // It opens no directories, and syncs names by itself.
  const directory = await open(path, "r")
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
