import { existsSync, readFileSync } from "node:fs"
import { loadProfile, type Profile } from "@postern/client"
import { decodeUtf8, type ErrorCode, PosternError } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { checkReceipt, KeyLearner, pinnedPolicy } from "@postern/log/evidence"
import { parsePolicy, parseVkey } from "@postern/log/tlog"
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
import { askKeys, disclosuresOf, openReadExchange, tilesOf } from "./read-port-tiles.ts"
import { checkpointFile, keepBeside, keysFile } from "./remembering-reader.ts"
import { formatTable } from "./table.ts"
import { verifyEvidence } from "./verify-evidence.ts"
import type { VerifyTarget } from "./verify-target.ts"

export interface VerifyOptions {
  readonly full?: true
  readonly disclosures?: true
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
  if (target.kind === "evidence") return verifyEvidence(target, options, io)
  const progress = createProgress(io, "entries", options.progress === true)
  const at = (done: number, of: number) => progress.at(done, of)
  const report = await verifyTarget(target, options, at, io).finally(() => progress.end())
  io.line(options.json ? JSON.stringify(report) : describeReport(report, io.color))
  conclude(report, target.kind === "directory" ? "LOG_DAMAGED" : "PROOF_INVALID")
}

function verifyTarget(
  target: Exclude<VerifyTarget, { kind: "receipt" | "evidence" }>,
  options: VerifyOptions,
  progress: (done: number, of: number) => void,
  io: CommandIo,
): Promise<Report> {
  const { path } = target
  switch (target.kind) {
    case "directory":
      return verifyDirectory(path, {
        ...{ vkey: target.vkey, others: target.others },
        ...{ full: options.full === true, progress, disclosures: target.disclosures },
      })
    case "tiles":
      return verifyTiles(openTileDirectory(path), { vkey: target.vkey, progress })
    case "profile":
      return verifyReadPort(path, options, progress, io)
  }
}

async function verifyReadPort(
  file: string,
  { disclosures }: VerifyOptions,
  progress: (done: number, of: number) => void,
  io: CommandIo,
): Promise<TileReport> {
  const profile = loadProfile(file)
  const exchange = openReadExchange(profile)
  const memory = checkpointFile(file)
  try {
    const keys = await openProfileKeys(file, profile, () => askKeys(exchange), io)
    const remembered = existsSync(memory) ? readFileSync(memory, "utf8") : undefined
    const open = async (note: string) => (await keys.openCheckpoint(note)).checkpoint
    const asked = disclosures === true ? disclosuresOf(exchange) : undefined
    const options = { vkey: profile.log.vkey, open, remembered, progress, disclosures: asked }
    const report = await verifyTiles(tilesOf(exchange), options)
    // What was found right is what the next time has to begin with.
    if (report.verified && report.checkpoint !== undefined) {
      const problem = keepBeside(memory, report.checkpoint)
      if (problem !== undefined) {
        io.note(`postern: the checkpoint could not be remembered: ${problem}`)
      }
    }
    return report
  } finally {
    exchange.close()
  }
}

/** The keys of the log behind a profile: the pinned one, and what was learned since, now or before. */
export function openProfileKeys(
  file: string,
  { log, policy }: Profile,
  ask: () => Promise<string>,
  io: CommandIo,
): Promise<KeyLearner> {
  const memory = keysFile(file)
  const learned = (proofs: string) => {
    const problem = keepBeside(memory, proofs)
    if (problem !== undefined) {
      io.note(`postern: the log's new key could not be remembered: ${problem}`)
    }
  }
  const trusted = policy === undefined ? pinnedPolicy([log.vkey]) : parsePolicy(policy)
  const remembered = existsSync(memory) ? readFileSync(memory, "utf8") : ""
  return KeyLearner.open(trusted, log.origin, { ask, learned }, remembered)
}

async function verifyReceipt(
  { path, vkeys }: VerifyTarget & { kind: "receipt" },
  options: VerifyOptions,
  io: CommandIo,
): Promise<void> {
  const bytes = readFileSync(path)
  const text = bytes.length <= receiptBytesMax ? decodeUtf8(bytes) : undefined
  if (text === undefined) throw new PosternError("RECEIPT_INVALID", `${path} is no receipt file`)
  const { index, leaf } = await checkReceipt(text, vkeys)
  const { stamp, event, eventBytes } = parseEntry(leaf)
  const received = new Date(stamp.received / 1000).toISOString()
  const { name: origin } = parseVkey(vkeys[0] ?? "")
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
