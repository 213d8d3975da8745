import { createReadStream, createWriteStream, existsSync, readFileSync, rmSync } from "node:fs"
import { link, writeFile } from "node:fs/promises"
import { pipeline } from "node:stream/promises"
import { loadProfile, openReader } from "@postern/client"
import { equalBytes, PosternError } from "@postern/log/base"
import {
  checkEvidence,
  type EvidenceVerdict,
  EvidenceWriter,
  type KeyProof,
  pinnedPolicy,
} from "@postern/log/evidence"
import {
  formatProofFile,
  inclusionProof,
  type ProofFile,
  parseCheckpoint,
  parseNote,
  parsePolicy,
  type TrustPolicy,
} from "@postern/log/tlog"
import { dataDirectories } from "../config/index.ts"
import { openDisclosures } from "../disclosures/index.ts"
import { followLog, type LogView } from "../disk/index.ts"
import {
  type EvidenceAsk,
  evidenceLines,
  openBatchSlots,
  packLines,
  planEvidence,
} from "../evidence/index.ts"
import { logVerifierKey } from "../guard/setup/index.ts"
import { pathOf } from "./evidence-ask.ts"
import { loadInstallation } from "./installation.ts"
import type { CommandIo } from "./io.ts"
import { streamAnswer } from "./read-port-stream.ts"

/** Where the log is: behind a read port, or on this machine. */
export type EvidenceSource =
  | { readonly kind: "profile"; readonly path: string }
  | { readonly kind: "config"; readonly path: string }

export interface EvidenceQuestion {
  readonly ask: EvidenceAsk
  /** Whether the values that were kept out of the entries are to be in the file. */
  readonly disclosed: boolean
}

/**
 * Makes an evidence file and checks it with the log's key before it gets its name. Gives the verdict. Errors:
 * ALREADY_EXISTS, NOT_FOUND, REQUEST_INVALID, EVIDENCE_INVALID if what was made does not hold, and those of the source.
 */
export async function makeEvidenceFile(
  source: EvidenceSource,
  question: EvidenceQuestion,
  file: string,
  io: CommandIo,
): Promise<EvidenceVerdict> {
  refuseExisting(file)
  const draft = `${file}.new`
  try {
    const policy =
      source.kind === "profile"
        ? await download(source.path, question, draft)
        : await makeHere(source.path, question, draft, io)
    const verdict = await checkEvidence(createReadStream(draft), policy)
    const [finding] = verdict.findings
    if (finding !== undefined) {
      throw new PosternError("EVIDENCE_INVALID", `${finding.where}: ${finding.what}`)
    }
    await nameIt(draft, file)
    return verdict
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Gives the keys that the profile trusts. */
async function download(
  profilePath: string,
  { ask, disclosed }: EvidenceQuestion,
  draft: string,
): Promise<TrustPolicy> {
  const profile = loadProfile(profilePath)
  await pipeline(
    streamAnswer(profile, pathOf(ask, disclosed)),
    createWriteStream(draft, { mode: 0o600 }),
  )
  const { log, policy } = profile
  const pinned = policy === undefined ? [log] : parsePolicy(policy).logs
  return pinnedPolicy(pinned.map(({ vkey }) => vkey))
}

async function makeHere(
  configPath: string,
  { ask, disclosed }: EvidenceQuestion,
  draft: string,
  io: CommandIo,
): Promise<TrustPolicy> {
  const config = loadInstallation(configPath)
  const { log: directory, disclosures: sealed } = dataDirectories(config)
  const disclosures = openDisclosures({ sealed, keys: config.sealing })
  const view = await followLog(directory)
  try {
    const onWait = (size: number) => {
      io.note(`postern: the newest checkpoint has ${size} entries, waiting for the next one`)
    }
    const plan = await planEvidence(view, openBatchSlots(directory), ask, {
      onWait,
      ...(disclosed ? { disclosures } : {}),
    })
    if (plan.beyond !== undefined) {
      const { next } = plan.head.claim
      const what = `event ${next} of the stream is neither an entry, nor recorded as lost or refused`
      io.note(`postern: ${what}: the file ends before it, of ${plan.beyond} events`)
    }
    const packed = packLines(evidenceLines(view, plan))
    await pipeline(packed, createWriteStream(draft, { mode: 0o600 }))
  } finally {
    await view.close()
  }
  return pinnedPolicy([logVerifierKey(config)])
}

/** The single entry as C2SP tlog-proof; its leaf is not in the file. Errors: as makeEvidenceFile. */
export async function makeProofFile(
  source: EvidenceSource,
  index: number,
  file: string,
): Promise<void> {
  refuseExisting(file)
  const proof = await (source.kind === "profile" ? askProof : readProof)(source.path, index)
  await writeFile(file, formatProofFile(proof), { mode: 0o600, flag: "wx" })
}

async function askProof(profile: string, index: number): Promise<ProofFile> {
  const reader = openReader(loadProfile(profile))
  try {
    const { path, note } = await reader.prove(index)
    return { index, proof: path, note }
  } finally {
    reader.close()
  }
}

async function readProof(configPath: string, index: number): Promise<ProofFile> {
  const view = await followLog(dataDirectories(loadInstallation(configPath)).log)
  try {
    return await proofFrom(view, index)
  } finally {
    await view.close()
  }
}

async function proofFrom(view: LogView, index: number): Promise<ProofFile> {
  const note = await view.checkpoint()
  const size = note === undefined ? 0 : parseCheckpoint(parseNote(note).text).size
  if (note === undefined || index >= size) {
    throw new PosternError("NOT_FOUND", `no checkpoint covers entry ${index} yet`)
  }
  const proof = await inclusionProof(index, size, (...span) => view.hashes(...span))
  return { index, proof, note }
}

/**
 * Two checkpoints of one log as evidence of a fork.
 * @param policy whose log key both are checked against; undefined: only that they contradict each other
 * @param keys changes of the log key, if the two are by different keys
 * Errors: EVIDENCE_INVALID if they do not, NOTE_INVALID, ALREADY_EXISTS.
 */
export async function makeForkFile(
  notes: readonly [string, string],
  file: string,
  policy: TrustPolicy | undefined,
  keys: readonly KeyProof[],
): Promise<void> {
  refuseExisting(file)
  const [a, b] = notes.map((path) => readFileSync(path, "utf8")) as [string, string]
  const [one, other] = [a, b].map((note) => parseCheckpoint(parseNote(note).text))
  const same = one?.origin === other?.origin && one?.size === other?.size
  if (one === undefined || other === undefined || !same || equalBytes(one.root, other.root)) {
    const detail = "it takes two checkpoints of one origin and size with different roots"
    throw new PosternError("EVIDENCE_INVALID", detail)
  }
  const lines: Uint8Array[] = []
  const writer = new EvidenceWriter((line) => void lines.push(line))
  await writer.head({ origin: one.origin, evidence: "fork", claim: {}, count: 0 })
  await writer.note(a)
  await writer.note(b)
  for (const proof of keys) await writer.key(proof)
  await writer.end()
  const { findings } = policy === undefined ? { findings: [] } : await checkEvidence(lines, policy)
  const [finding] = findings
  if (finding !== undefined) {
    throw new PosternError("EVIDENCE_INVALID", `${finding.where}: ${finding.what}`)
  }
  await writeFile(file, Buffer.concat(lines), { mode: 0o600, flag: "wx" })
}

function refuseExisting(file: string): void {
  if (existsSync(file)) throw new PosternError("ALREADY_EXISTS", file)
}

/** Never over a file that has come in between. */
async function nameIt(draft: string, file: string): Promise<void> {
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? new PosternError("ALREADY_EXISTS", file) : error
  })
}
