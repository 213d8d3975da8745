/**
 * One process per spool directory, held by a listening unix socket: only a live process answers on it, so the lock is
 * gone with the process however it ends, and it is seen by every process of the machine, containers included.
 *
 * Locks are numbered: `lock.1`, `lock.2`, … The newest is the one that counts. Who finds it dead (the connection is
 * refused) makes the next one: a socket that listens already is given that name by link(2), which fails if the name is
 * taken. So the next lock exists only if the one before was dead, and a dead socket never comes alive again. The
 * newest file is never removed, since its number is what a latecomer must beat; the owner removes older ones.
 *
 * Windows has no such sockets in Node; there a named pipe, derived from the directory, is exclusive by itself.
 * Not for directories that several machines share.
 */
import { createHash, randomBytes } from "node:crypto"
import {
  linkSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"

export interface DirectoryLock {
  release(): Promise<void>
}

/** What fits into a socket address on every system (sun_path). */
const socketPathBytesMax = 100
/** Each lost race means that somebody else won it; so many in a row do not happen. */
const attemptsMax = 50

/** Takes the directory for this process. Errors: SPOOL_LOCKED; those of the file system as they are. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const server = createServer((socket) => socket.destroy())
  server.unref()
  if (process.platform === "win32") {
    const name = createHash("sha256").update(realpathSync(directory)).digest("hex")
    await listen(server, `\\\\.\\pipe\\postern-spool-${name}`, directory)
    return { release: () => close(server) }
  }
  const own = `lock.${process.pid}-${randomBytes(6).toString("hex")}.new`
  await withShortPath(directory, (short) => listen(server, join(short, own), directory))
  try {
    const number = await climb(directory, own)
    removeOlder(directory, number)
    return { release: () => close(server) }
  } catch (error) {
    await close(server)
    throw error
  } finally {
    rmSync(join(directory, own), { force: true })
  }
}

/** Gives our socket the next number; returns it. */
async function climb(directory: string, own: string): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const newest = Math.max(0, ...lockNumbers(directory))
    if (newest > 0 && (await isAlive(directory, newest))) break
    const mine = newest + 1
    if (!tryLink(join(directory, own), join(directory, `lock.${mine}`))) continue
    // A name that was free because its lock is long gone: the newest one counts, and that is not ours.
    if (Math.max(...lockNumbers(directory)) === mine) return mine
    unlinkSync(join(directory, `lock.${mine}`))
  }
  throw new PosternError("SPOOL_LOCKED", directory)
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    // Taken, or our unfinished name was cleared away by an owner: look again.
    if (isErrno(error, "EEXIST") || isErrno(error, "ENOENT")) return false
    throw error
  }
}

function lockNumbers(directory: string): number[] {
  return readdirSync(directory)
    .map((name) => /^lock\.([1-9][0-9]{0,14})$/.exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
}

function removeOlder(directory: string, number: number): void {
  for (const name of readdirSync(directory)) {
    const isOlder = /^lock\.[1-9][0-9]{0,14}$/.test(name) && Number(name.slice(5)) < number
    if (isOlder || /^lock\..*\.new$/.test(name)) rmSync(join(directory, name), { force: true })
  }
}

/** Whether somebody listens there. Only a clear refusal counts as no. */
async function isAlive(directory: string, number: number): Promise<boolean> {
  return withShortPath(
    directory,
    (short) =>
      new Promise<boolean>((resolve) => {
        const socket = connect(join(short, `lock.${number}`))
        const answer = (isAnswered: boolean) => {
          socket.destroy()
          resolve(isAnswered)
        }
        socket.once("connect", () => answer(true))
        socket.once("error", (error) => {
          answer(!isErrno(error, "ECONNREFUSED") && !isErrno(error, "ENOENT"))
        })
      }),
  )
}

/** A long directory is reached through a link with a short name. */
async function withShortPath<T>(directory: string, use: (short: string) => Promise<T>): Promise<T> {
  const longest = Buffer.byteLength(join(directory, "lock.0123456789-0123456789ab.new"))
  if (longest <= socketPathBytesMax) return use(directory)
  const holder = mkdtempSync(join(tmpdir(), "postern-"))
  try {
    symlinkSync(realpathSync(directory), join(holder, "s"))
    return await use(join(holder, "s"))
  } finally {
    rmSync(holder, { recursive: true, force: true })
  }
}

function listen(server: Server, path: string, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const isTaken = isErrno(cause, "EADDRINUSE") || isErrno(cause, "EACCES")
      const isPipe = process.platform === "win32"
      reject(isTaken && isPipe ? new PosternError("SPOOL_LOCKED", directory, { cause }) : cause)
    })
    // exclusive: a cluster worker must not share its primary's socket, which outlives the worker.
    server.listen({ path, exclusive: true }, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}
