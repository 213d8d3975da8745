import { checkEvidence } from "@postern/log/evidence"
import { type Reading, readFile } from "../../../log/verifier/reading.ts"
import { whyNoSignatures } from "../../../log/verifier/signatures.ts"
import { type Trust, understandTrust } from "../../../log/verifier/trust.ts"
import { type ShownLeaf, ShownLeaves } from "../../../log/verifier/values.ts"
import { notChecked, type PlainVerdict, plainVerdict } from "../../../log/verifier/words.ts"
import { type Row, readRow } from "../stream/index.ts"

export interface CheckedFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string | undefined
  readonly plain: PlainVerdict
  readonly rows: readonly Row[]
  readonly entries: number
}

export type { PlainVerdict, Trust }
export { understandTrust }

/**
 * Checks a file in this browser; it goes nowhere else.
 * @param onProgress the part that was read, 0 to 1
 * @throws the reason of `signal`
 */
export async function checkFile(
  file: Blob,
  name: string,
  trust: Extract<Trust, { kind: "policy" }>,
  onProgress: (part: number) => void,
  signal: AbortSignal,
): Promise<CheckedFile> {
  const shown = new ShownLeaves()
  const reason = await whyNoSignatures()
  const nothing = { name, bytes: file.size, sha256: undefined, rows: [], entries: 0 }
  if (reason !== undefined) return { ...nothing, plain: notChecked(reason.replace(/\.$/, "")) }
  const reading: Reading = readFile(file, (bytes) => onProgress(bytes / file.size), signal)
  const said = await checkEvidence(reading.chunks, trust.policy, shown)
  signal.throwIfAborted()
  const isProven = said.verdict !== "INVALID" && said.verdict !== "UNKNOWN"
  const writers = new Map(said.senders.map(({ index, writer }) => [index, writer ?? "the port"]))
  return {
    name,
    bytes: file.size,
    sha256: reading.digest(),
    plain: plainVerdict(said, trust.policy),
    rows: isProven ? shown.leaves.map((leaf) => rowOf(leaf, writers.get(leaf.index))) : [],
    entries: isProven ? said.counts.leaves : 0,
  }
}

function rowOf({ index, leaf }: ShownLeaf, writer = "unknown"): Row {
  const text = new TextDecoder().decode(leaf)
  const answer = { index, writer, leaf: text, received: "", stream: 0, sequence: 0, event: {} }
  return readRow(answer)
}
