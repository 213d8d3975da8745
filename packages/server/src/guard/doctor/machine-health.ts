import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import type { Finding } from "../exposure/index.ts"

/** What is measured on the machine. */
export interface MachineFacts {
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number }
  /** Bytes that the log and what lies beside it have grown to, since when. */
  readonly grown: { readonly bytes: number; readonly days: number } | undefined
  /** Of a few, milliseconds; undefined if this user may write nowhere on that disk. */
  readonly fdatasyncMs: number | undefined
  readonly isRoot: boolean
  /** Of data directory and keys: names of those that others can read or write. */
  readonly loose: readonly string[]
  /** Of what decides who may do what: names of those that others can write. */
  readonly writable: readonly string[]
  /** Directories above data and configuration in which others can put something else in their place. */
  readonly exchangeable: readonly string[]
  readonly node: string
  readonly openssl: string
}

const syncs = 9
const pageBytes = 4096

/**
 * Measures: a few synced writes into a file that is taken away again.
 * @param directory of the log's disk, which this user may write to
 */
export function measureSync(directory: string): number {
  const path = join(directory, `.doctor-${process.pid}`)
  const file = openSync(path, "wx", 0o600)
  const times: number[] = []
  try {
    const page = Buffer.alloc(pageBytes, 1)
    for (let i = 0; i < syncs; i++) {
      const began = performance.now()
      writeSync(file, page, 0, pageBytes, i * pageBytes)
      fdatasyncSync(file)
      times.push(performance.now() - began)
    }
  } finally {
    closeSync(file)
    rmSync(path)
  }
  return times.sort((a, b) => a - b)[Math.floor(syncs / 2)] ?? 0
}

/** The first of the directories that this user may write to, if it is on the same disk as the log. */
export function writableBeside(log: string, directories: readonly string[]): string | undefined {
  const { dev } = statSync(log)
  const isMeant = (one: string) => existsSync(one) && statSync(one).dev === dev && mayWrite(one)
  return directories.find(isMeant)
}

function mayWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false // Another user's.
  }
}

export function freeSpace(directory: string): MachineFacts["disk"] {
  const { bavail, blocks, bsize } = statfsSync(directory)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

/** Whether the group may write, or others may do anything. */
export function isLoose(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o027) !== 0
}

/** Whether others may write it. What the group may is the operator's to decide: a file that several may edit is common. */
export function isWritable(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o002) !== 0
}

/** Directories above a path where everybody may rename what belongs to others. */
export function openParents(path: string): string[] {
  const found: string[] = []
  for (let at = dirname(path); ; at = dirname(at)) {
    const { mode } = statSync(at)
    if (process.platform !== "win32" && (mode & 0o002) !== 0 && (mode & 0o1000) === 0)
      found.push(at)
    if (at === dirname(at)) return found
  }
}

const gibibyte = 1024 ** 3
const forecastDays = { warn: 30, fail: 3 } as const
const syncMs = { warn: 20, fail: 200 } as const

/** Pure. */
export function judgeMachine(facts: MachineFacts, data: string): Finding[] {
  return [
    judgeDisk(facts, data),
    judgeSync(facts, data),
    judgeLoose(facts, data),
    judgeWritable(facts, data),
    judgeUser(facts),
    judgeRuntime(facts),
  ]
}

function judgeDisk({ disk, grown }: MachineFacts, subject: string): Finding {
  const about = { id: "disk.forecast", subject, severity: "high" } as const
  const free = disk.freeBytes / disk.totalBytes
  const space = `${(disk.freeBytes / gibibyte).toFixed(1)} GiB free, ${Math.round(free * 100)} %`
  const days =
    grown === undefined || grown.bytes === 0
      ? Number.POSITIVE_INFINITY
      : disk.freeBytes / (grown.bytes / grown.days)
  const at = Number.isFinite(days) ? `; at the rate so far that lasts ${Math.floor(days)} days` : ""
  const result =
    free < 0.1 || days < forecastDays.fail
      ? "fail"
      : free < 0.25 || days < forecastDays.warn
        ? "warn"
        : "ok"
  const fix =
    result === "ok"
      ? ""
      : "make room, or move data to a larger disk: a full disk stops acknowledgements"
  return { ...about, result, evidence: `${space}${at}`, fix }
}

function judgeSync({ fdatasyncMs }: MachineFacts, subject: string): Finding {
  const about = { id: "disk.sync", subject, severity: "medium" } as const
  if (fdatasyncMs === undefined) {
    const evidence = "this user may write nowhere on the log's disk"
    return { ...about, result: "unknown", evidence, fix: "ask as root, or as the service's user" }
  }
  const result = fdatasyncMs > syncMs.fail ? "fail" : fdatasyncMs > syncMs.warn ? "warn" : "ok"
  const evidence = `fdatasync of 4 KiB: median ${fdatasyncMs.toFixed(2)} ms of ${syncs}`
  const fix =
    result === "ok"
      ? ""
      : "every acknowledgement waits for one: use a disk with a protected write cache"
  return { ...about, result, evidence, fix }
}

function judgeLoose({ loose }: MachineFacts, subject: string): Finding {
  const about = { id: "files.modes", subject, severity: "critical" } as const
  if (loose.length === 0) {
    return { ...about, result: "ok", evidence: "data and keys are closed to others", fix: "" }
  }
  const evidence = `open to others: ${loose.join(", ")}`
  return { ...about, result: "fail", evidence, fix: `chmod o-rwx,g-w ${loose.join(" ")}` }
}

function judgeWritable({ writable, exchangeable }: MachineFacts, subject: string): Finding {
  const about = { id: "files.writable", subject, severity: "critical" } as const
  if (writable.length === 0 && exchangeable.length === 0) {
    const evidence = "nobody else can change or exchange configuration and data"
    return { ...about, result: "ok", evidence, fix: "" }
  }
  const open = [...new Set([...writable, ...exchangeable])]
  const evidence = `everybody may write: ${open.join(", ")}`
  return { ...about, result: "fail", evidence, fix: `chmod o-w ${open.join(" ")}` }
}

function judgeUser({ isRoot }: MachineFacts): Finding {
  const about = { id: "user.root", subject: "this process", severity: "high" } as const
  return isRoot
    ? {
        ...about,
        result: "warn",
        evidence: "it runs as root; the service should not",
        fix: "run the service as a user of its own, and doctor as that user",
      }
    : { ...about, result: "ok", evidence: "it does not run as root", fix: "" }
}

/** X25519MLKEM768 came with OpenSSL 3.5. */
function judgeRuntime({ node, openssl }: MachineFacts): Finding {
  const about = { id: "runtime.hybrid", subject: `Node ${node}`, severity: "medium" } as const
  const [major = 0, minor = 0] = openssl.split(".").map(Number)
  const isHybrid = major > 3 || (major === 3 && minor >= 5)
  const evidence = `OpenSSL ${openssl}${isHybrid ? " offers" : " does not offer"} the hybrid key exchange X25519MLKEM768`
  return isHybrid
    ? { ...about, result: "ok", evidence, fix: "" }
    : { ...about, result: "warn", evidence, fix: "use Node 24.5 or newer" }
}
