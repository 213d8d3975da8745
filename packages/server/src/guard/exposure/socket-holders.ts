import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { basename, join } from "node:path"

/** A process that has a socket open. */
export interface Holder {
  readonly pid: number
  /** Effective. */
  readonly uid: number
  /** The programme and its first argument, without their directories. Anybody can choose them. */
  readonly command: string
}

/**
 * Who holds these sockets. Processes of others are passed over unless this one is root's, so that none is found for
 * a socket says nothing.
 * @param root where `proc` is
 */
export function findHolders(inodes: ReadonlySet<number>, root: string): Map<number, Holder[]> {
  const found = new Map<number, Holder[]>()
  const proc = join(root, "proc")
  if (inodes.size === 0 || !existsSync(proc)) return found
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue
    const held = new Set(socketsOf(join(proc, name, "fd")).filter((inode) => inodes.has(inode)))
    if (held.size === 0) continue
    const holder = describeProcess(Number(name), join(proc, name))
    if (holder === undefined) continue
    for (const inode of held) found.set(inode, [...(found.get(inode) ?? []), holder])
  }
  return found
}

/** What a process of ours left as a word of the passed sockets that it serves (server/acceptor). */
interface Word {
  readonly pid: number
  readonly inodes: readonly number[]
}

/**
 * Who says that he serves a socket, for those who may not look into processes. Taken only of a process that runs, under the user whose file
 * it is: nobody can say it of somebody else.
 * @param words their files; one that is missing or has another form says nothing
 */
export function findServing(words: readonly string[], root: string): Map<number, Holder[]> {
  const found = new Map<number, Holder[]>()
  for (const file of words) {
    const { pid, inodes, uid } = wordIn(file)
    const holder = describeProcess(pid, join(root, "proc", String(pid)))
    if (holder === undefined || holder.uid !== uid) continue
    for (const inode of inodes) found.set(inode, [...(found.get(inode) ?? []), holder])
  }
  return found
}

function wordIn(file: string): Word & { readonly uid: number | undefined } {
  try {
    const { pid, inodes } = JSON.parse(readFileSync(file, "utf8")) as Partial<Word>
    const isWhole = Number.isSafeInteger(pid) && Array.isArray(inodes)
    if (isWhole) return { pid: pid as number, inodes, uid: lstatSync(file).uid }
  } catch {
    // Not there, not for us to read, or half there: as one that says nothing.
  }
  return { pid: 0, inodes: [], uid: undefined }
}

function socketsOf(directory: string): number[] {
  try {
    return readdirSync(directory).flatMap((name) => {
      const match = /^socket:\[(\d+)\]$/.exec(linkOf(join(directory, name)))
      return match === null ? [] : [Number(match[1])]
    })
  } catch {
    return [] // Another user's, or gone.
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return "" // Closed meanwhile.
  }
}

function describeProcess(pid: number, directory: string): Holder | undefined {
  try {
    const status = readFileSync(join(directory, "status"), "utf8")
    const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]
    const words = readFileSync(join(directory, "cmdline"), "utf8").split("\0").slice(0, 2)
    const command = words
      .map((word) => basename(word))
      .join(" ")
      .trim()
      .slice(0, 80)
    return uid === undefined ? undefined : { pid, uid: Number(uid), command }
  } catch {
    return undefined // It has just ended.
  }
}
