import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { concatBytes, formatBase64, type PosternError } from "@postern/log/base"
import { EvidenceWriter } from "@postern/log/evidence"
import type { AuditAnswer } from "@postern/log/wire"
import type { Believed, Sample } from "./log-trust.ts"

/** What WELCOME said of the log's keys. */
export interface KeysTold {
  readonly keys: string
}

/** What contradicts each other. */
export interface Contradiction {
  readonly error: PosternError
  readonly origin: string
  readonly known: Believed | undefined
  readonly said: AuditAnswer | KeysTold
  /** The entry that was asked for, with its receipt file where there is one. */
  readonly sample: Sample | undefined
  readonly receipt: string | undefined
}

const keptMax = 100
let kept = 0

/**
 * Keeps what contradicts each other in a file of `directory`: two trees of one size as evidence of kind `fork`
 * (docs/spec/evidence.md), which proves it to anybody; the rest with everything that is needed to judge it again. At most a hundred in the
 * life of the process, since a hostile port could fill the disk. Returns its path.
 */
export async function keepContradiction(
  directory: string,
  contradiction: Contradiction,
  nowMs: number,
): Promise<string | undefined> {
  if (kept >= keptMax) return undefined
  kept += 1
  const { error, origin, known, said } = contradiction
  if (error.code === "LOG_FORKED" && known !== undefined && "note" in said) {
    const path = join(directory, `fork-${known.size}-${nowMs}.evidence`)
    writeFileSync(path, await forkEvidence(origin, [known.note, said.note]), { mode: 0o600 })
    return path
  }
  const path = join(directory, `doubt-${nowMs}.json`)
  const text = JSON.stringify(inJson(contradiction), undefined, 1)
  writeFileSync(path, `${text}\n`, { mode: 0o600 })
  return path
}

async function forkEvidence(origin: string, notes: readonly string[]): Promise<Uint8Array> {
  const lines: Uint8Array[] = []
  const writer = new EvidenceWriter((line) => void lines.push(line))
  await writer.head({ origin, evidence: "fork", claim: {}, count: 0 })
  for (const note of notes) await writer.note(note)
  await writer.end()
  return concatBytes(...lines)
}

function inJson({ error, known, said, sample, receipt }: Contradiction) {
  const { code, detail } = error
  return {
    postern: "doubt@v1",
    ...{ code, detail },
    believed: known?.note,
    said: "note" in said ? answerInJson(said) : { keys: said.keys },
    sample: sample && { index: sample.index, leafHash: formatBase64(sample.leafHash) },
    receipt: receipt === undefined ? undefined : (JSON.parse(receipt) as unknown),
  }
}

function answerInJson({ consistency, path, ...said }: AuditAnswer) {
  return { ...said, consistency: consistency.map(formatBase64), path: path.map(formatBase64) }
}
