import { assert, formatBase64, parseBase64, parseDecimal } from "../base/index.ts"
import { checkInclusion } from "./check.ts"
import { type CosignedCheckpoint, openCosignedCheckpoint } from "./cosigned-checkpoint.ts"
import { demandProof, quote } from "./demand.ts"
import { hashBytes, leafHash } from "./hash.ts"
import type { TrustPolicy } from "./policy.ts"

const firstLine = "c2sp.org/tlog-proof@v1"
/** No tree of less than 2^63 entries needs more. */
const proofHashesMax = 63
const proofFileCharactersMax = 2_000_000

/** One entry's proof as a file, `.tlog-proof` (C2SP tlog-proof, draft). */
export interface ProofFile {
  readonly index: number
  /** Audit path, nearest the leaf first. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint, verbatim, with cosignatures if there are some. */
  readonly note: string
  /** Whatever the maker added. Nothing proves it. */
  readonly extra?: Uint8Array
}

export function formatProofFile({ index, proof, note, extra }: ProofFile): string {
  assert(Number.isSafeInteger(index) && index >= 0, "an index is a whole number below 2^53")
  assert(proof.length <= proofHashesMax, "an inclusion proof has at most 63 hashes")
  const extraLine = extra === undefined ? "" : `extra ${formatBase64(extra)}\n`
  const hashes = proof.map((hash) => `${formatBase64(hash)}\n`).join("")
  return `${firstLine}\n${extraLine}index ${index}\n${hashes}\n${note}`
}

/**
 * Parses a proof file strictly; verifies nothing, and the note in it is cut out, not looked at.
 * @throws PosternError PROOF_INVALID
 */
export function parseProofFile(text: string): ProofFile {
  demandProof(text.length <= proofFileCharactersMax, `over ${proofFileCharactersMax} characters`)
  const end = text.indexOf("\n\n")
  demandProof(end >= 0, "no empty line before the checkpoint")
  const [first = "", ...lines] = text.slice(0, end).split("\n")
  demandProof(first === firstLine, `${quote(first)} is not ${firstLine}`)
  const extra = lines[0]?.startsWith("extra ") ? parseExtra(lines.shift() ?? "") : undefined
  const [indexLine = "", ...hashes] = lines
  const index = indexLine.startsWith("index ") ? parseDecimal(indexLine.slice(6)) : undefined
  demandProof(index !== undefined, `${quote(indexLine)} is not an index`)
  demandProof(hashes.length <= proofHashesMax, `a proof of ${hashes.length} hashes`)
  const proof = hashes.map((line) => {
    const hash = parseBase64(line)
    demandProof(hash?.length === hashBytes, `${quote(line)} is not a hash`)
    return hash
  })
  const file = { index, proof, note: text.slice(end + 2) }
  return extra === undefined ? file : { ...file, extra }
}

function parseExtra(line: string): Uint8Array {
  const extra = parseBase64(line.slice("extra ".length))
  demandProof(extra !== undefined, `${quote(line)} is not base64`)
  return extra
}

/**
 * Checks that the entry with these bytes stands at the file's index in a log of the policy.
 * @param leaf the entry's bytes; they are not in the file
 * @returns the opened checkpoint: whether the policy's quorum is met is told, not demanded
 * @throws PosternError NOTE_INVALID · PROOF_INVALID · POLICY_INVALID
 */
export async function checkProofFile(
  file: ProofFile,
  leaf: Uint8Array,
  policy: TrustPolicy,
): Promise<CosignedCheckpoint> {
  const opened = await openCosignedCheckpoint(file.note, policy)
  const { size, root } = opened.checkpoint
  checkInclusion(file.index, size, leafHash(leaf), file.proof, root)
  return opened
}
