/** Evidence files from a log in memory, and changed ones. */
import { createHash } from "node:crypto"
import { concatBytes, encodeUtf8 } from "../base/index.ts"
import { parseEntry } from "../event/index.ts"
import { proveSeveral } from "../tlog/index.ts"
import { origin, type TestLog } from "./evidence-log.test.support.ts"
import { type BatchLine, type EvidenceKind, EvidenceWriter, type KeyProof } from "./index.ts"

export interface FilePlan {
  readonly kind: EvidenceKind
  readonly claim: Record<string, unknown>
  readonly leaves: readonly number[]
  /** False: the file says nothing of the senders. */
  readonly context?: false
  /** By leaf. */
  readonly disclosures?: ReadonlyMap<number, readonly Uint8Array[]>
  readonly batches?: readonly BatchLine[]
  readonly note: string
  readonly keys?: readonly KeyProof[]
  readonly size?: number
}

/** The file, unpacked. */
export async function makeFile(log: TestLog, plan: FilePlan): Promise<Uint8Array> {
  const lines: Uint8Array[] = []
  const writer = new EvidenceWriter((line) => void lines.push(line))
  const { kind, claim, leaves, note, size = log.size } = plan
  const own = new Set(leaves)
  const context = plan.context === false ? [] : contextOf(log, leaves)
  const all = [...own, ...context].sort((a, b) => a - b)
  await writer.head({ origin, evidence: kind, claim, count: leaves.length })
  await writer.note(note)
  for (const proof of plan.keys ?? []) await writer.key(proof)
  for (const index of all) {
    const leaf = log.leaves[index] as Uint8Array
    if (own.has(index)) {
      await writer.leaf(index, leaf)
      for (const json of plan.disclosures?.get(index) ?? []) await writer.disclosure(json)
    } else await writer.context(index, leaf)
  }
  for (const batch of plan.batches ?? []) await writer.batch(batch)
  await writer.path(await proveSeveral(all, size, log.read))
  await writer.end()
  return concatBytes(...lines)
}

export async function makeFork(
  a: string,
  b: string,
  keys: readonly KeyProof[] = [],
): Promise<Uint8Array> {
  const lines: Uint8Array[] = []
  const writer = new EvidenceWriter((line) => void lines.push(line))
  await writer.head({ origin, evidence: "fork", claim: {}, count: 0 })
  await writer.note(a)
  await writer.note(b)
  for (const proof of keys) await writer.key(proof)
  await writer.end()
  return concatBytes(...lines)
}

function contextOf(log: TestLog, leaves: readonly number[]): number[] {
  const openOf = (index: number) => parseEntry(log.leaves[index] as Uint8Array).stamp.open
  const opens = new Set(leaves.map(openOf))
  for (const open of [...opens]) opens.add(openOf(open))
  return [...opens].filter((index) => !leaves.includes(index))
}

/** The lines of a file, without line feeds and without the end line. */
export function linesOf(file: Uint8Array): string[] {
  return new TextDecoder().decode(file).split("\n").slice(0, -2)
}

/** A file of these lines with an end line that fits them. */
export function seal(lines: readonly string[]): Uint8Array {
  const before = encodeUtf8(lines.map((line) => `${line}\n`).join(""))
  const sha256 = createHash("sha256").update(before).digest("hex")
  const end = JSON.stringify({ end: { lines: lines.length, sha256 } })
  return concatBytes(before, encodeUtf8(`${end}\n`))
}
