import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { loadProfile } from "@postern/client"
import { decodeUtf8, type ErrorCode, PosternError } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { checkReceipt } from "@postern/log/evidence"
import { parseVkey } from "@postern/log/tlog"
import {
  openTileDirectory,
  type Report,
  type TileReport,
  verifyDirectory,
  verifyTiles,
} from "../guard/verify/index.ts"
import type { CommandIo } from "./io.ts"
import { printable } from "./printable.ts"
import { createProgress } from "./progress.ts"
import { openReadPort } from "./read-port-tiles.ts"
import { formatTable } from "./table.ts"
import type { VerifyTarget } from "./verify-target.ts"

export interface VerifyOptions {
  readonly full?: true
  readonly progress?: true
  readonly json?: true
}

const receiptBytesMax = 1_000_000

/**
 * Verifies the target and prints what came of it. Ends without an error only if everything was checked and is right.
 * Errors: LOG_DAMAGED, LOG_ROLLED_BACK, PROOF_INVALID, RECEIPT_INVALID, NOTE_INVALID for what is wrong,
 * CHECK_INCOMPLETE for what could not be checked, and whatever keeps it from being read.
 */
export async function runVerify(
  target: VerifyTarget,
  options: VerifyOptions,
  io: CommandIo,
): Promise<void> {
  if (target.kind === "receipt") return verifyReceipt(target, options, io)
  const progress = createProgress(io, "entries", options.progress === true)
  const at = (done: number, of: number) => progress.at(done, of)
  const report = await verifyTarget(target, options, at, io).finally(() => progress.end())
  io.line(options.json ? JSON.stringify(report) : describeReport(report, io.color))
  conclude(report, target.kind === "directory" ? "LOG_DAMAGED" : "PROOF_INVALID")
}

function verifyTarget(
  target: Exclude<VerifyTarget, { kind: "receipt" }>,
  options: VerifyOptions,
  progress: (done: number, of: number) => void,
  io: CommandIo,
): Promise<Report> {
  const { path } = target
  switch (target.kind) {
    case "directory":
      return verifyDirectory(path, { vkey: target.vkey, full: options.full === true, progress })
    case "tiles":
      return verifyTiles(openTileDirectory(path), { vkey: target.vkey, progress })
    case "profile":
      return verifyReadPort(path, progress, io)
  }
}

async function verifyReadPort(
  file: string,
  progress: (done: number, of: number) => void,
  io: CommandIo,
): Promise<TileReport> {
  const profile = loadProfile(file)
  const source = openReadPort(profile)
  const memory = `${file.replace(/\.ya?ml$/, "")}.checkpoint`
  try {
    const remembered = existsSync(memory) ? readFileSync(memory, "utf8") : undefined
    const report = await verifyTiles(source, { vkey: profile.log.vkey, remembered, progress })
    if (report.verified && report.checkpoint !== undefined) remember(memory, report.checkpoint, io)
    return report
  } finally {
    source.close()
  }
}

/** What was found right is what the next time has to begin with. */
function remember(file: string, checkpoint: string, io: CommandIo): void {
  try {
    writeFileSync(`${file}.new`, checkpoint, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    io.note(`postern: the checkpoint could not be remembered: ${printable(reason)}`)
  }
}

async function verifyReceipt(
  { path, vkey }: VerifyTarget & { kind: "receipt" },
  options: VerifyOptions,
  io: CommandIo,
): Promise<void> {
  const bytes = readFileSync(path)
  const text = bytes.length <= receiptBytesMax ? decodeUtf8(bytes) : undefined
  if (text === undefined) throw new PosternError("RECEIPT_INVALID", `${path} is no receipt file`)
  const { index, leaf } = await checkReceipt(text, vkey)
  const { stamp, event, eventBytes } = parseEntry(leaf)
  const received = new Date(stamp.received / 1000).toISOString()
  const { name: origin } = parseVkey(vkey)
  if (options.json)
    return io.line(JSON.stringify({ verified: true, origin, index, received, event }))
  io.line(`entry ${index} is in the log ${origin}, received ${received}`)
  io.line(printable(decodeUtf8(eventBytes) ?? ""))
}

function describeReport(report: Report | TileReport, color: boolean): string {
  const { checks, findings, findingsTotal, facts, seconds, size, origin } = report
  const rows = checks.map(({ name, status, checked, unit, note = "" }) => {
    return [name, status, String(checked), unit, note]
  })
  const lines = [formatTable(["check", "status", "checked", "of", "note"], rows, { color }), ""]
  for (const { code, where, what } of findings) lines.push(printable(`${code}: ${where}: ${what}`))
  if (findingsTotal > findings.length) lines.push(`and ${findingsTotal - findings.length} more`)
  if (findings.length > 0) lines.push("")
  for (const [name, value] of Object.entries(facts)) {
    if (value !== 0) lines.push(`${inWords(name)}: ${value}`)
  }
  if ("saw" in report && report.saw === "hashes") lines.push("entries: not shown to this reader")
  const rate = seconds === 0 ? 0 : Math.round(size / seconds)
  lines.push(`${size} entries of ${printable(origin)} in ${seconds.toFixed(1)} s (${rate}/s)`)
  if (report.root !== undefined) lines.push(`root ${report.root}`)
  lines.push(verdict(report))
  return lines.join("\n")
}

function inWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function verdict(report: Report): string {
  const named = (status: string) =>
    report.checks.filter((check) => check.status === status).map(({ name }) => name)
  const [failed, unknown] = [named("fail"), named("unknown")]
  if (failed.length > 0) return `NOT VERIFIED: ${failed.join(", ")}`
  return unknown.length > 0 ? `not all could be checked: ${unknown.join(", ")}` : "verified"
}

/** A check that failed outranks one that could not be made; neither is success. */
function conclude(report: Report, damaged: ErrorCode): void {
  if (report.verified) return
  const [first] = report.findings
  if (first === undefined) throw new PosternError("CHECK_INCOMPLETE", verdict(report))
  const back = report.findings.find(({ code }) => /-beyond$|^rolled-back$/.test(code))
  const { where, what } = back ?? first
  const others = report.findingsTotal > 1 ? ` (and ${report.findingsTotal - 1} more)` : ""
  throw new PosternError(
    back === undefined ? damaged : "LOG_ROLLED_BACK",
    `${where}: ${what}${others}`,
  )
}
