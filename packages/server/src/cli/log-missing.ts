import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { loadProfile, openReader, type Profile } from "@postern/client"
import { encodeUtf8, PosternError } from "@postern/log/base"
import { dataDirectories } from "../config/index.ts"
import {
  type EpochView,
  epochBegan,
  firstOrigin,
  judgeReceipt,
  openLocalEpochs,
  type ReceiptFinding,
  receiptOrigin,
} from "../guard/restore/index.ts"
import { logVerifierKey } from "../guard/setup/index.ts"
import { loadInstallation } from "./installation.ts"
import type { CommandIo } from "./io.ts"
import { printable } from "./printable.ts"

export interface MissingFlags {
  readonly config?: string
  readonly profile?: string
  readonly json?: true
}

interface Epochs {
  readonly epochs: readonly EpochView[]
  close(): Promise<void>
}

/** Files of one receipt each (`.json`), and files of one a line (`.jsonl`). */
const names = /\.jsonl?$/

/** Lists the receipts whose entries are not in the log. Errors: ENTRY_MISSING if there are any, RECEIPT_INVALID, USAGE. */
export async function runMissing(path: string, flags: MissingFlags, io: CommandIo): Promise<void> {
  const { epochs, close } = await openEpochs(flags)
  const counts = { present: 0, pruned: 0, kept: 0, missing: 0, other: 0, invalid: 0 }
  try {
    for (const { where, text } of receiptsIn(path)) {
      const finding = await judgeReceipt(text, epochs)
      counts[finding.state] += 1
      if (finding.state !== "present") say(where, finding, flags.json === true, io)
    }
  } finally {
    await close()
  }
  if (flags.json) io.line(JSON.stringify({ receipts: counts }))
  else
    io.line(
      `${counts.present} present, ${counts.pruned} gone by rule, ` +
        `${counts.kept} kept in a closed epoch, ${counts.missing} missing`,
    )
  const { missing, other, invalid } = counts
  if (missing + other > 0) throw new PosternError("ENTRY_MISSING", `${missing + other} entries`)
  if (invalid > 0) throw new PosternError("RECEIPT_INVALID", `${invalid} files`)
}

/**
 * A receipt of an earlier epoch of the log that a reader's profile names: the port is asked what became of the entry.
 * False if it is no such receipt: those are checked offline. Errors: ENTRY_MISSING, CHECK_INCOMPLETE, RECEIPT_INVALID.
 */
export async function verifyEarlierReceipt(
  path: string,
  flags: MissingFlags,
  io: CommandIo,
): Promise<boolean> {
  if (flags.profile === undefined) return false
  const profile = loadProfile(flags.profile)
  const text = readFileSync(path, "utf8")
  const origin = receiptOrigin(text)
  const own = profile.log.origin
  if (profile.role !== "reader" || origin === own || origin === undefined) return false
  if (firstOrigin(origin) !== firstOrigin(own)) return false
  const { epochs, close } = await openRemoteEpochs(profile)
  const finding = await judgeReceipt(text, epochs).finally(close)
  const { state, index, why, event } = finding
  if (flags.json) io.line(JSON.stringify({ verified: false, ...finding }))
  else if (event !== undefined) {
    io.line(printable(`entry ${index} of ${origin}: ${String(event.action)} ${String(event.id)}`))
  }
  if (state === "invalid") throw new PosternError("RECEIPT_INVALID", why)
  if (state === "pruned") throw new PosternError("ENTRY_PRUNED", why)
  if (state === "kept") throw new PosternError("CHECK_INCOMPLETE", why)
  throw new PosternError("ENTRY_MISSING", why)
}

function say(where: string, finding: ReceiptFinding, json: boolean, io: CommandIo): void {
  if (json) return io.line(JSON.stringify({ where, ...finding }))
  const { state, index, event, why } = finding
  const named =
    event === undefined ? "" : ` entry ${index} ${String(event.action)} ${String(event.id)}`
  io.line(printable(`${state}:${named} (${where}): ${why}`))
}

function openEpochs({ config, profile }: MissingFlags): Promise<Epochs> {
  if (config !== undefined) {
    const loaded = loadInstallation(config)
    return openLocalEpochs(dataDirectories(loaded).log, logVerifierKey(loaded))
  }
  if (profile !== undefined) return openRemoteEpochs(loadProfile(profile))
  throw new PosternError("USAGE", "name the log: --config, or a reader's --profile")
}

/** The log behind the read port, and the epoch before it as far as its first entry tells. */
async function openRemoteEpochs(profile: Profile): Promise<Epochs> {
  const reader = openReader(profile)
  const close = async () => reader.close()
  try {
    const { size } = await reader.checkpoint()
    const leaf = async (index: number) => encodeUtf8((await reader.get(index)).leaf)
    const own: EpochView = { ...profile.log, size, leaf }
    // `prove`: what it says of the keys before is believed because the log key signed for it.
    const began = epochBegan((await reader.prove(0)).entry.event)
    if (began === undefined) return { epochs: [own], close }
    const { origin, vkey } = began.previous
    const before = { origin, vkey, size: began.left.size, leaf: async () => undefined }
    return { epochs: [own, before], close }
  } catch (error) {
    reader.close()
    throw error
  }
}

function* receiptsIn(path: string): Generator<{ where: string; text: string }> {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => names.test(name))
        .sort()
        .map((name) => join(path, name))
    : [path]
  for (const file of files) {
    const text = readFileSync(file, "utf8")
    if (!file.endsWith("l")) {
      yield { where: file, text }
      continue
    }
    for (const [i, line] of text.split("\n").entries()) {
      if (line !== "") yield { where: `${file} line ${i + 1}`, text: line }
    }
  }
}
