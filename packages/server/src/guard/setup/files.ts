import { randomBytes } from "node:crypto"
import {
  chownSync,
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs"
import { dirname } from "node:path"
import { PosternError } from "@postern/log/base"

/** Makes a file that was not there and syncs it. Errors: ALREADY_EXISTS. */
export function createFile(file: string, text: string, mode: number): void {
  let fd: number
  try {
    fd = openSync(file, "wx", mode)
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error
    throw new PosternError("ALREADY_EXISTS", file)
  }
  try {
    writeWhole(fd, Buffer.from(text))
    fsyncSync(fd)
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/**
 * Changes a file as a whole: whoever opens it sees the old text or the new one, also after a crash.
 * `change` is called under a lock, the new file itself (`FILE.new`), so two changes at a time
 * cannot lose one. Mode and owner stay, so that a service under its own user can go on reading what
 * root has edited.
 * Errors: ALREADY_EXISTS if another change is under way or was interrupted; then nothing was
 * changed.
 */
export function changeFile(file: string, change: () => string): void {
  const target = realpathSync(file)
  const next = `${target}.new`
  const before = statSync(target)
  let fd: number
  try {
    fd = openSync(next, "wx", before.mode & 0o777)
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error
    const detail = `${next} (another change is under way, or one was interrupted)`
    throw new PosternError("ALREADY_EXISTS", detail)
  }
  try {
    try {
      writeWhole(fd, Buffer.from(change()))
      const made = fstatSync(fd)
      if (made.uid !== before.uid || made.gid !== before.gid) {
        fchownSync(fd, before.uid, before.gid)
      }
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(next, target) // The point of no return.
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  }
  syncDirectory(dirname(target))
}

/**
 * Puts a new secret in the place of an old one, whose bytes are overwritten. Errors: as changeFile().
 */
export function replaceSecret(file: string, text: string): void {
  const aside = `${realpathSync(file)}.old`
  rmSync(aside, { force: true }) // Of a change that was interrupted: one more name of the file.
  linkSync(file, aside)
  changeFile(file, () => text)
  destroyFile(aside) // The point of no return.
}

/** Overwrites the bytes in place, syncs, unlinks. A disk that writes elsewhere, or a copy, may keep them. */
export function destroyFile(file: string): void {
  const fd = openSync(file, "r+")
  try {
    writeWhole(fd, randomBytes(fstatSync(fd).size))
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  rmSync(file)
}

/**
 * Makes a directory that was not there, with the owner and the group of the one above, so that root leaves a service under its own user
 * nothing that it cannot write to. Nothing happens where the one above is not there either.
 */
export function makeDirectoryBelow(directory: string, mode: number): void {
  const above = statSync(dirname(directory), { throwIfNoEntry: false })
  if (above === undefined || statSync(directory, { throwIfNoEntry: false }) !== undefined) return
  mkdirSync(directory, { mode })
  const made = statSync(directory)
  if (made.uid !== above.uid || made.gid !== above.gid) chownSync(directory, above.uid, above.gid)
}

/** Makes names in a directory durable. */
export function syncDirectory(directory: string): void {
  if (process.platform === "win32") return // Windows cannot open a directory for this.
  const fd = openSync(directory, "r")
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code
}

function writeWhole(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}
