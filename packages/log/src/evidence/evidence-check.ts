import {
  assert,
  equalBytes,
  formatBase64,
  formatHex,
  isPosternError,
  PosternError,
  parseBase64,
  sha256,
} from "../base/index.ts"
import { type CosignedCheckpoint, checkSeveral, type TrustPolicy } from "../tlog/index.ts"
import type { EvidenceDraft, EvidenceTold } from "./evidence-draft.ts"
import type { EvidenceHead } from "./evidence-line.ts"
import {
  type Chunks,
  type EvidenceLimits,
  evidenceLimits,
  readEvidence,
} from "./evidence-reading.ts"
import { Openings } from "./evidence-senders.ts"
import {
  type EvidenceCounts,
  type EvidenceVerdict,
  type LeafSender,
  nothingProven,
  type Verdict,
  type WriterKey,
} from "./evidence-verdict.ts"
import { demandEvidence, EvidenceFault, type FindingCode } from "./finding.ts"
import type { KeyProof } from "./key-proof.ts"
import { type KeyTrust, openKeyTrust } from "./key-trust.ts"
import { writerSignedLeaves } from "./stream-chain.ts"
import { checkStreamCoverage, type StreamClaim } from "./stream-coverage.ts"
import { unpackEvidence } from "./unpacking.ts"

export interface EvidenceOptions extends Partial<EvidenceTold> {
  readonly limits?: Partial<EvidenceLimits>
  /** Changes of the log key that are known from elsewhere: a key that ended signs nothing more, also where the file is silent about it. */
  readonly known?: readonly KeyProof[]
}

/**
 * Checks an evidence file (docs/spec/evidence.md) against a trust policy. Never throws for what is in
 * the file: that is what the verdict is for.
 * @param file the bytes, packed with gzip or not: whole, or in parts
 * @param policy from somewhere else than the file
 * @throws PosternError POLICY_INVALID if the policy names no log, KEY_CHANGE_INVALID if what is known does not hold under it, and
 *   whatever reading the parts throws
 */
export async function checkEvidence(
  file: Uint8Array | Chunks,
  policy: TrustPolicy,
  options: EvidenceOptions = {},
): Promise<EvidenceVerdict> {
  if (policy.logs.length === 0) throw new PosternError("POLICY_INVALID", "it names no log")
  const limits = { ...evidenceLimits, ...options.limits }
  const chunks = file instanceof Uint8Array ? [file] : file
  try {
    const unpacked = unpackEvidence(chunks, limits.bytesMax)
    const { onLeaf = ignore, onDisclosure = ignore } = options
    const draft = await readEvidence(unpacked, limits, { onLeaf, onDisclosure })
    const { evidence, origin } = draft.finished()
    const isKnown = policy.logs.some(({ vkey }) => vkey.startsWith(`${origin}+`))
    const trust = await openKeyTrust(policy, origin, isKnown ? options.known : [])
    await learnKeys(draft, trust)
    const check = evidence === "fork" ? checkFork : checkEntries
    return await check(draft, policy, trust)
  } catch (error) {
    if (!(error instanceof EvidenceFault)) throw error
    const { finding } = error
    const verdict = finding.code === "limit" ? "UNKNOWN" : "INVALID"
    return { ...nothingProven, verdict, findings: [finding] }
  }
}

const ignore = () => undefined

async function checkFork(
  draft: EvidenceDraft,
  policy: TrustPolicy,
  trust: KeyTrust,
): Promise<EvidenceVerdict> {
  const head = draft.finished()
  const [a, b] = [await openNote(draft, 0, trust), await openNote(draft, 1, trust)]
  const { size, root } = a.checkpoint
  const other = b.checkpoint
  demandEvidence(size === other.size, "fork", "notes", `sizes ${size} and ${other.size}`)
  const differ = !equalBytes(root, other.root)
  demandEvidence(differ, "fork", "notes", "one and the same root")
  const roots = [formatBase64(root), formatBase64(other.root)]
  const said = factsOf(head, policy, size, roots, a)
  return { ...nothingProven, ...said, verdict: "FORK-EVIDENCE", findings: [] }
}

async function checkEntries(
  draft: EvidenceDraft,
  policy: TrustPolicy,
  trust: KeyTrust,
): Promise<EvidenceVerdict> {
  const head = draft.finished()
  const opened = await openNote(draft, 0, trust)
  const { size, root } = opened.checkpoint
  checkTree(draft, size, root)
  if (head.evidence === "range") checkRangeClaim(draft, head)
  const { senders, writerKeys, numberedBy } = await sendersOf(draft, head)
  const isWitnessed = policy.quorum !== undefined && opened.quorumMet
  const verdict: Verdict = isWitnessed ? "WITNESSED" : "SIGNED-ONLY"
  const said = factsOf(head, policy, size, [formatBase64(root)], opened)
  const counts = countsOf(draft, senders)
  return { ...said, verdict, findings: [], numberedBy, senders, writerKeys, counts }
}

/** The policy's log keys, and those that they lead to. */
async function learnKeys({ keys }: EvidenceDraft, trust: KeyTrust): Promise<void> {
  for (const proof of keys) {
    await asFault("key", `key line, entry ${proof.index}`, () => trust.learn(proof))
  }
}

/** The i-th note under a key that is believed, of the origin that the head names. */
async function openNote(
  { notes, head }: EvidenceDraft,
  i: number,
  trust: KeyTrust,
): Promise<CosignedCheckpoint> {
  const where = `note ${i + 1}`
  const opened = await asFault("note", where, () => trust.openCheckpoint(notes[i] ?? ""))
  const isOwn = opened.checkpoint.origin === head?.origin
  demandEvidence(isOwn, "origin", where, "it is of another origin than the file's head says")
  return opened
}

function checkTree(draft: EvidenceDraft, size: number, root: Uint8Array): void {
  const indexes = draft.entries.map(({ index }) => index)
  try {
    checkSeveral(indexes, draft.leafHashes, size, draft.path, root)
  } catch (error) {
    throw faultOf(error, "tree", "path")
  }
}

function checkRangeClaim({ entries, leafCount }: EvidenceDraft, { claim }: EvidenceHead): void {
  const { first, count } = claim as { first: number; count: number }
  demandEvidence(count === leafCount, "range", "claim", `${leafCount} leaves, not ${count}`)
  let next = first
  for (const { index, isLeaf } of entries) {
    if (!isLeaf) continue
    demandEvidence(index === next, "range", `entry ${index}`, `entry ${next} is missing before it`)
    next += 1
  }
}

async function sendersOf(
  { entries, batches }: EvidenceDraft,
  { evidence, claim, origin }: EvidenceHead,
): Promise<Pick<EvidenceVerdict, "senders" | "writerKeys" | "numberedBy">> {
  const openings = new Openings(entries)
  let signed: ReadonlySet<number> = new Set()
  let writerKeys: WriterKey[] = []
  let numberedBy: EvidenceVerdict["numberedBy"]
  if (evidence === "stream") {
    const stream = claim as unknown as StreamClaim
    const opening = checkStreamCoverage(stream, entries, openings)
    const found = await writerSignedLeaves(origin, opening, entries, openings, batches)
    signed = found.leaves
    numberedBy = opening.framed ? "writer" : "port"
    writerKeys = [...found.publicKeys].map((key) => writerKey(opening.writer, key))
  }
  const senders: LeafSender[] = []
  for (const { index, isLeaf, open } of entries) {
    if (!isLeaf) continue
    const opening = openings.find(open)
    const asserted = opening === undefined ? "unknown" : "port-asserted"
    const who = signed.has(index) ? "writer-signed" : asserted
    senders.push({ index, who, writer: opening?.writer })
  }
  return { senders, writerKeys, numberedBy }
}

function writerKey(writer: string | undefined, publicKey: string): WriterKey {
  const key = parseBase64(publicKey)
  assert(key !== undefined, "a key that signed is well-formed")
  return { writer, sha256: formatHex(sha256(key)) }
}

function factsOf(
  { origin, evidence: kind, claim }: EvidenceHead,
  policy: TrustPolicy,
  size: number,
  roots: readonly string[],
  { cosigned }: CosignedCheckpoint,
) {
  return { origin, kind, claim, size, roots, cosigned, quorumAsked: policy.quorum !== undefined }
}

function countsOf(
  { entries, leafCount, path, disclosures }: EvidenceDraft,
  senders: readonly LeafSender[],
): EvidenceCounts {
  const tally = { "writer-signed": 0, "port-asserted": 0, unknown: 0 }
  for (const { who } of senders) tally[who] += 1
  const { disclosed, withheld, withholding } = disclosures
  return {
    leaves: leafCount,
    context: entries.length - leafCount,
    hashes: path.length,
    writerSigned: tally["writer-signed"],
    portAsserted: tally["port-asserted"],
    unknown: tally.unknown,
    ...{ disclosed, withheld, withholding },
  }
}

async function asFault<T>(code: FindingCode, where: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    throw faultOf(error, code, where)
  }
}

/** What another room found wrong with the file; anything else is our own mistake and goes on. */
function faultOf(error: unknown, code: FindingCode, where: string): unknown {
  if (!isPosternError(error)) return error
  return new EvidenceFault(code, where, error.detail ?? error.message)
}
