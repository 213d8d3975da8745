/**
 * What was applied, written down (`state/firewall.json`), so that somebody who may list the rules and do nothing else can say
 * whether they are still there: the kernel's own form of a text is found in an empty network namespace, which takes more rights.
 * Trusted is the file: it is taken only from root, or from whoever reads it, and whoever is root here can rewrite rules and file alike.
 */
import { hash } from "node:crypto"
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs"
import { dirname } from "node:path"
import { PosternError } from "@postern/log/base"
import type { Snapshot } from "./live.ts"

export interface AppliedRules {
  readonly dialect: string
  /** SHA-256, hex, of the text that was meant: digestOfRules(). */
  readonly digest: string
  /** The service's user, if somebody named one (`--uid`). */
  readonly uid?: number
  /** As the kernel listed them right after they were loaded. */
  readonly declarations: readonly string[]
  readonly contents: readonly string[]
}

/** Of the rules alone: a comment names the digest of the access list, in which more is written than rules are made of. */
export function digestOfRules(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  return hash("sha256", lines.join("\n"), "hex")
}

/** Undefined if nothing was applied yet. Errors: FIREWALL_FAILED if somebody else could have written it, or it has another form. */
export function readApplied(file: string): AppliedRules | undefined {
  const text = readAppliedText(file)
  if (text === undefined) return undefined
  const { dialect, digest, uid, declarations, contents } = parse(text)
  const isWhole = typeof dialect === "string" && typeof digest === "string"
  if (!isWhole || !isLines(declarations) || !isLines(contents)) {
    throw new PosternError("FIREWALL_FAILED", `${file} has another form: apply the rules again`)
  }
  const named = typeof uid === "number" ? { uid } : {}
  return { dialect, digest, ...named, declarations, contents }
}

/** The same as it stands there, for putAppliedText(). Errors: FIREWALL_FAILED. */
export function readAppliedText(file: string): string | undefined {
  let fd: number
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    const why = error instanceof Error ? error.message : String(error)
    throw new PosternError("FIREWALL_FAILED", why, { cause: error })
  }
  try {
    const { uid, mode } = fstatSync(fd)
    const isOurs = uid === 0 || uid === process.geteuid?.()
    if (isOurs && (mode & 0o022) === 0) return readFileSync(fd, "utf8")
    throw new PosternError("FIREWALL_FAILED", `${file} may have been written by somebody else`)
  } finally {
    closeSync(fd)
  }
}

/** False where there is no such directory: the rules are those of another machine's port, as on a gateway. */
export function keepApplied(file: string, dialect: string, rules: Kept): boolean {
  if (statSync(dirname(file), { throwIfNoEntry: false }) === undefined) return false
  const { digest, uid, now } = rules
  const { declarations, contents } = now
  const named = uid === undefined ? {} : { uid }
  const kept: AppliedRules = { dialect, digest, ...named, declarations, contents }
  putAppliedText(file, `${JSON.stringify(kept)}\n`)
  return true
}

/** What keepApplied() needs besides. */
interface Kept {
  readonly digest: string
  readonly uid: number | undefined
  readonly now: Snapshot
}

/** As a whole, whatever stood there; undefined takes it away. */
export function putAppliedText(file: string, text: string | undefined): void {
  if (text === undefined) return rmSync(file, { force: true })
  const beside = `${file}.new`
  rmSync(beside, { force: true }) // Of somebody who was interrupted.
  const fd = openSync(beside, "wx", 0o640)
  try {
    for (let at = 0, bytes = Buffer.from(text); at < bytes.length; ) at += writeSync(fd, bytes, at)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(beside, file)
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {} // Said as another form by the caller.
  }
}

function isLines(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((line) => typeof line === "string")
}
