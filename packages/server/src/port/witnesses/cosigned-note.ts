import {
  decodeCosignature,
  formatNote,
  type NoteSignature,
  parseNote,
  quorumMet,
  type TrustPolicy,
} from "@postern/log/tlog"

/** As many as anybody reads in one note. */
const signaturesMax = 100

/**
 * The note with these cosignatures, whose correctness the caller has checked. Of two by one key the
 * later one stays; nothing else is taken away. In whatever order they come, the same set of lines
 * results.
 */
export function mergeCosignatures(note: string, cosignatures: readonly NoteSignature[]): string {
  const { text, signatures } = parseNote(note)
  const merged = [...signatures]
  for (const line of cosignatures) {
    const at = merged.findIndex(({ name, keyId }) => name === line.name && keyId === line.keyId)
    const before = merged[at]
    if (before === undefined) {
      if (merged.length < signaturesMax) merged.push(line)
    } else if (timeOf(line) > timeOf(before)) {
      merged[at] = line
    }
  }
  return formatNote({ text, signatures: merged })
}

function timeOf({ signature }: NoteSignature): number {
  return decodeCosignature(signature).time
}

/**
 * The latest second at which the quorum stood behind a checkpoint: each of the witnesses that make
 * it up signed then or later. Undefined if the quorum is not met.
 * @param times by the policy's names; each was checked
 */
export function quorumTime(
  policy: TrustPolicy,
  times: ReadonlyMap<string, number>,
): number | undefined {
  const latestFirst = [...times].sort(([, a], [, b]) => b - a)
  const names: string[] = []
  for (const [name, time] of latestFirst) {
    names.push(name)
    if (quorumMet(policy, names)) return time
  }
  return undefined
}
