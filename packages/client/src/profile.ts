/**
 * The connection profile: one file that says who I am, whom I talk to and which log I trust, private key included.
 * Written in a small subset of YAML, so that people and YAML libraries read it and the SDK needs no library:
 * `key: value` lines, one mapping (`log:`) with keys two spaces further in, and `|` blocks for PEMs; blank lines
 * and lines that begin with `#` are skipped. A value is plain or a JSON string. Anything else is refused.
 */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import type { PeerCertificate } from "node:tls"
import { PosternError } from "@postern/log/base"
import { parsePolicy } from "@postern/log/tlog"

export type ProfileRole = "writer" | "reader" | "operator"

export interface Profile {
  readonly role: ProfileRole
  /** SPIFFE ID of this identity, as in the certificate. */
  readonly id: string
  /** SPIFFE ID that the server's certificate must carry. */
  readonly server: string
  /** `host:port` (`[v6]:port`); for operators the path of the admin socket. */
  readonly address: string
  /** Writers only: `source` of events that give none. */
  readonly source?: string
  /** Writers only: the spool directory. Relative to the profile's own directory until loadProfile() resolves it. */
  readonly spool?: string
  /** The log and the key it is verified with (signed-note verifier key, named as the origin). */
  readonly log: { readonly origin: string; readonly vkey: string }
  /** Whose cosignatures count (C2SP tlog-policy): its logs hold `log.vkey`. */
  readonly policy?: string
  /** PEM. */
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

const scalarKeys = ["postern", "role", "id", "server", "address", "source", "spool"] as const
const logKeys = ["log.origin", "log.vkey"] as const
const blockKeys = ["policy", "ca", "certificate", "key"] as const
const version = "profile@v1"
const profileBytesMax = 262_144
const spiffePattern = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)+$/
/** Scalars that every YAML reader takes as the string they are: no indicator, number or word with a meaning. */
const plainPattern =
  /^(?:[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._/*-]+|(?:[0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}|profile@v1|writer|reader|operator)$/

/** The text of a profile. Errors: PROFILE_INVALID if the profile is not one that parseProfile() would give. */
export function formatProfile(profile: Profile): string {
  const lines = [
    "# Connection profile of Postern. Holds a private key: keep it to its owner (0600).",
  ]
  for (const key of scalarKeys) {
    const value = key === "postern" ? version : profile[key]
    if (value !== undefined) lines.push(`${key}: ${formatScalar(value)}`)
  }
  lines.push("log:")
  lines.push(
    `  origin: ${formatScalar(profile.log.origin)}`,
    `  vkey: ${formatScalar(profile.log.vkey)}`,
  )
  for (const key of blockKeys) {
    const block = profile[key]
    if (block === undefined) continue
    lines.push(`${key}: |`)
    for (const line of block.trimEnd().split("\n")) lines.push(`  ${line}`)
  }
  const text = `${lines.join("\n")}\n`
  parseProfile(text)
  return text
}

function formatScalar(value: string): string {
  if (plainPattern.test(value)) return value
  // What some readers take for the end of a line is written as an escape.
  return JSON.stringify(value).replaceAll(/[\u0085\u2028\u2029]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`
  })
}

/** Reads the text of a profile, strictly. Errors: PROFILE_INVALID, naming the line or the key. */
export function parseProfile(text: string): Profile {
  const values = parseLines(text)
  if (values.get("postern") !== version)
    throw invalid(`the first key must be "postern: ${version}"`)
  const role = required(values, "role")
  if (role !== "writer" && role !== "reader" && role !== "operator") {
    throw invalid("role must be writer, reader or operator")
  }
  const source = values.get("source")
  const spool = values.get("spool")
  if (role === "writer" && source === undefined) throw invalid("source is missing")
  if (role !== "writer" && (source ?? spool) !== undefined)
    throw invalid("source and spool are for writers")
  const origin = required(values, "log.origin")
  const vkey = required(values, "log.vkey")
  if (!vkey.startsWith(`${origin}+`)) throw invalid("log.vkey must be named as log.origin")
  return {
    role,
    id: spiffe(values, "id"),
    server: spiffe(values, "server"),
    address: required(values, "address"),
    ...(source === undefined ? {} : { source }),
    ...(spool === undefined ? {} : { spool }),
    log: { origin, vkey },
    ...readPolicy(values.get("policy"), vkey),
    ca: pem(values, "ca", "CERTIFICATE"),
    certificate: pem(values, "certificate", "CERTIFICATE"),
    key: pem(values, "key", "PRIVATE KEY"),
  }
}

/**
 * The text of a profile with another certificate and key; every other line, comments too, stays as it is.
 * Errors: PROFILE_INVALID if either text is not a profile's.
 */
export function replacePair(text: string, pair: Pick<Profile, "certificate" | "key">): string {
  parseProfile(text)
  const lines = text.split("\n")
  const kept: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ""
    const key = /^(certificate|key):/.exec(line)?.[1] as keyof typeof pair | undefined
    if (key === undefined) {
      kept.push(line)
      continue
    }
    if (/^[a-z]+: \|$/.test(line)) at += readBlock(lines, at + 1).length
    kept.push(
      `${key}: |`,
      ...pair[key]
        .trimEnd()
        .split("\n")
        .map((row) => `  ${row}`),
    )
  }
  const replaced = kept.join("\n")
  parseProfile(replaced)
  return replaced
}

/**
 * Reads a profile from a file: the one named, or what POSTERN_PROFILE names. Relative paths inside are resolved against the
 * file's directory. Errors: PROFILE_INVALID, also if somebody other than the owner may read the file (POSIX).
 */
export function loadProfile(named: string | undefined = process.env.POSTERN_PROFILE): Profile {
  const path = profilePath(named)
  const profile = parseProfile(readPrivately(path))
  const from = dirname(resolve(path))
  return {
    ...profile,
    ...(profile.role === "operator" ? { address: resolve(from, profile.address) } : {}),
    ...(profile.spool === undefined ? {} : { spool: resolve(from, profile.spool) }),
  }
}

/** The file that is meant. Errors: PROFILE_INVALID if none was named. */
export function profilePath(named: string | undefined = process.env.POSTERN_PROFILE): string {
  if (named !== undefined && named !== "") return named
  throw invalid("none was given: name the file, or set POSTERN_PROFILE")
}

/** The permission is asked of the open file, so that the file which is read is the one that was judged. */
function readPrivately(path: string): string {
  let fd: number
  try {
    fd = openSync(path, "r")
  } catch (cause) {
    throw new PosternError("PROFILE_INVALID", `${path} cannot be opened`, { cause })
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.size > profileBytesMax) throw invalid(`${path} is not a profile`)
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8)
      throw invalid(
        `${path} holds a private key and others may open it (mode ${mode}): chmod 600 ${path}`,
      )
    }
    return readFileSync(fd, "utf8")
  } finally {
    closeSync(fd)
  }
}

type Key = (typeof scalarKeys)[number] | (typeof logKeys)[number] | (typeof blockKeys)[number]

/** Lines to values; keys of the mapping are written `log.key` here. Each key at most once, none unknown. */
function parseLines(text: string): Map<Key, string> {
  const values = new Map<Key, string>()
  const lines = text.split("\n")
  let mapping: string | undefined
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ""
    if (/^\s*(?:#.*)?$/.test(line)) continue
    const match = /^( {2})?([a-z]+):(?: (.*))?$/.exec(line)
    if (match === null) throw invalidLine(at)
    const [, indent, word, value] = match
    if (indent === undefined) mapping = word === "log" && value === undefined ? "log" : undefined
    if (indent === undefined && mapping !== undefined) continue
    if (indent !== undefined && mapping === undefined) throw invalidLine(at)
    const key = knownKey(mapping === undefined ? word : `${mapping}.${word}`)
    if (key === undefined || values.has(key)) throw invalidLine(at)
    if (value === "|") {
      const block = readBlock(lines, at + 1)
      values.set(key, block.join("\n"))
      at += block.length
    } else {
      const scalar = parseScalar(value)
      if (scalar === undefined) throw invalidLine(at)
      values.set(key, scalar)
    }
  }
  return values
}

function knownKey(word: string | undefined): Key | undefined {
  return [...scalarKeys, ...logKeys, ...blockKeys].find((key) => key === word)
}

function readBlock(lines: readonly string[], from: number): string[] {
  const block: string[] = []
  for (let at = from; lines[at]?.startsWith("  "); at++)
    block.push((lines[at] ?? "").slice(2).trimEnd())
  return block
}

function parseScalar(value: string | undefined): string | undefined {
  const text = value?.trim() ?? ""
  if (text.startsWith('"')) {
    try {
      const parsed: unknown = JSON.parse(text)
      return typeof parsed === "string" ? parsed : undefined
    } catch {
      return undefined // Not a JSON string: the caller names the line.
    }
  }
  // Beyond this alphabet plain YAML scalars begin to mean something else.
  return /^[A-Za-z0-9./][A-Za-z0-9+.:/@_*=-]*$/.test(text) ? text : undefined
}

function required(values: ReadonlyMap<Key, string>, key: Key): string {
  const value = values.get(key)
  if (value === undefined || value === "") throw invalid(`${key} is missing`)
  if (value.length > 4096 && !/^-----BEGIN/.test(value)) throw invalid(`${key} is too long`)
  return value
}

function readPolicy(text: string | undefined, vkey: string): { policy?: string } {
  if (text === undefined) return {}
  const policy = `${text}\n`
  try {
    if (parsePolicy(policy).logs.some((log) => log.vkey === vkey)) return { policy }
  } catch (error) {
    throw invalid(`policy: ${error instanceof PosternError ? error.detail : String(error)}`)
  }
  throw invalid("policy names another log than log.vkey")
}

function spiffe(values: ReadonlyMap<Key, string>, key: Key): string {
  const value = required(values, key)
  const dots = value.split("/").some((part) => part === "." || part === "..")
  if (!spiffePattern.test(value) || dots) throw invalid(`${key} is not a SPIFFE ID`)
  return value
}

/** One or more PEM blocks; what is inside them is judged by TLS. */
function pem(values: ReadonlyMap<Key, string>, key: Key, label: string): string {
  const value = required(values, key)
  const begins = value.startsWith(`-----BEGIN ${label}-----\n`)
  if (!begins || !value.endsWith(`\n-----END ${label}-----`)) {
    throw invalid(`${key} is not a PEM block (BEGIN ${label})`)
  }
  return `${value}\n`
}

function invalidLine(at: number): PosternError {
  return invalid(`line ${at + 1} is not understood`)
}

function invalid(detail: string): PosternError {
  return new PosternError("PROFILE_INVALID", detail)
}

/** The chain has been verified; what is left is whose certificate it is: exactly one URI, and the expected one. */
export function checkServer(
  server: string,
  { subjectaltname = "" }: Pick<PeerCertificate, "subjectaltname">,
): Error | undefined {
  // Node puts names in quotes that could be mistaken for a list; no SPIFFE ID needs them.
  const uris = subjectaltname.split(", ").filter((name) => name.startsWith("URI:"))
  if (uris.length === 1 && uris[0] === `URI:${server}` && !subjectaltname.includes('"')) {
    return undefined
  }
  return new PosternError("TLS_HANDSHAKE", `the server's certificate is not of ${server}`)
}
