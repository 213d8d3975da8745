import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PosternError } from "@postern/log/base"

/** Of whoever may change the rules, and gone with the next start of the machine, as the rules are. */
export const stateDirectory = "/run/postern-firewall"

/** Rules that are in the kernel and wait to be confirmed. */
export interface Unconfirmed {
  /** Names this change among others. */
  readonly id: string
  readonly dialect: string
  /** Of the installation: whoever decides about the change may have it entered there. */
  readonly config: string
  /** The rules of before, for LiveFirewall.restore(). */
  readonly saved: string
  /** What was written down of the rules of before (applied-rules.ts), which comes back with them; undefined if nothing was. */
  readonly applied: { readonly file: string; readonly before?: string }
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number
}

const name = "unconfirmed.json"

/** Undefined if nothing waits. */
export function readUnconfirmed(directory: string): Unconfirmed | undefined {
  let text: string
  try {
    ownDirectory(directory)
    text = readFileSync(join(directory, name), "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
  return JSON.parse(text) as Unconfirmed
}

/** Errors: FIREWALL_UNCONFIRMED if an earlier change waits already. */
export function keepUnconfirmed(directory: string, change: Unconfirmed): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  ownDirectory(directory)
  try {
    writeFileSync(join(directory, name), JSON.stringify(change), { flag: "wx", mode: 0o600 })
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause
    throw new PosternError("FIREWALL_UNCONFIRMED", undefined, { cause })
  }
}

/**
 * The point at which a change is decided, by whoever comes first: the one that confirms it, or the one that takes it
 * back. Undefined if it was decided already, or is another than `id`.
 */
export function takeUnconfirmed(directory: string, id?: string): Unconfirmed | undefined {
  const change = readUnconfirmed(directory)
  if (change === undefined || (id !== undefined && change.id !== id)) return undefined
  const taken = join(directory, `${change.id}.taken`)
  try {
    renameSync(join(directory, name), taken)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
  rmSync(taken)
  return change
}

/** What is in it is loaded into the kernel: nobody else may have put it there. */
function ownDirectory(directory: string): void {
  const stat = lstatSync(directory)
  if (stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0) return
  throw new PosternError("FIREWALL_FAILED", `${directory} is not a directory of ours alone (0700)`)
}
