import { decodeUtf8, formatHex, startSha256 } from "../base/index.ts"
import { EvidenceDraft, type EvidenceTold } from "./evidence-draft.ts"
import { parseEvidenceLine } from "./evidence-line.ts"
import { demandEvidence, EvidenceFault } from "./finding.ts"

/** Bytes in the order of the file, cut anywhere. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface EvidenceLimits {
  readonly leavesMax: number
  /** A line without its line feed. */
  readonly lineBytesMax: number
  /** The file, unpacked. */
  readonly bytesMax: number
}

/** What a verifier has to take (docs/spec/evidence.md, Limits). */
export const evidenceLimits: EvidenceLimits = {
  leavesMax: 1_000_000,
  lineBytesMax: 131_072,
  bytesMax: 2_147_483_648,
}

/**
 * Reads an unpacked evidence file line by line: grammar, order, counts and the hash of the end line.
 * @throws EvidenceFault
 */
export async function readEvidence(
  chunks: Chunks,
  limits: EvidenceLimits,
  told: EvidenceTold,
): Promise<EvidenceDraft> {
  const draft = new EvidenceDraft(limits.leavesMax, told)
  const hash = startSha256()
  let lines = 0
  for await (const line of cutLines(chunks, limits)) {
    lines += 1
    takeLine(draft, line, lines)
    if (draft.ended === undefined) hash.update(line)
    else checkEnd(draft, lines, formatHex(hash.digest()))
  }
  demandEvidence(draft.ended !== undefined, "end", `line ${lines + 1}`, "the end line is missing")
  return draft
}

const lineFeed = 0x0a

function takeLine(draft: EvidenceDraft, line: Uint8Array, number: number): void {
  const where = `line ${number}`
  const text = decodeUtf8(line)
  demandEvidence(text !== undefined, "utf8", where, "it is not UTF-8")
  const parsed = parseEvidenceLine(text.slice(0, -1))
  demandEvidence(parsed !== undefined, "line", where, "it is no line of an evidence file")
  draft.take(parsed, where)
}

function checkEnd(draft: EvidenceDraft, number: number, sha256: string): void {
  const where = `line ${number}`
  const { head, notes, leafCount, ended } = draft
  const before = number - 1
  demandEvidence(ended?.lines === before, "end", where, `${before} lines stand before it`)
  demandEvidence(ended.sha256 === sha256, "end", where, "the hash of what stands before is another")
  const noteCount = head?.evidence === "fork" ? 2 : 1
  const missing = `${notes.length} notes, not ${noteCount}`
  demandEvidence(notes.length === noteCount, "order", where, missing)
  const counted = `${leafCount} leaves, not ${head?.count}`
  demandEvidence(leafCount === head?.count, "count", where, counted)
}

/** Lines with their line feed. Views hold until the next step. */
async function* cutLines(chunks: Chunks, limits: EvidenceLimits): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = []
  let restBytes = 0
  let bytes = 0
  let lines = 0
  const tooLong = () => {
    const what = `over ${limits.lineBytesMax} bytes`
    return new EvidenceFault("limit", `line ${lines + 1}`, what)
  }
  for await (const chunk of chunks) {
    bytes += chunk.length
    const most = `over ${limits.bytesMax} bytes`
    demandEvidence(bytes <= limits.bytesMax, "limit", "the file", most)
    let at = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, at)) {
      if (restBytes + end - at > limits.lineBytesMax) throw tooLong()
      const part = chunk.subarray(at, end + 1)
      yield restBytes === 0 ? part : concat(rest, part, restBytes)
      lines += 1
      rest = []
      restBytes = 0
      at = end + 1
    }
    if (at === chunk.length) continue
    rest.push(chunk.slice(at))
    restBytes += chunk.length - at
    if (restBytes > limits.lineBytesMax) throw tooLong()
  }
  demandEvidence(restBytes === 0, "line", `line ${lines + 1}`, "no line feed at the end")
}

function concat(parts: readonly Uint8Array[], last: Uint8Array, bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes + last.length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  whole.set(last, at)
  return whole
}
