import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts"
import { checkCosignature } from "./cosignature.ts"
import { demand, demandNote, quote } from "./demand.ts"
import { openNote, parseNote } from "./note.ts"
import { quorumMet, type TrustPolicy } from "./policy.ts"
import { parseVkey } from "./vkey.ts"

export interface CosignedCheckpoint {
  readonly checkpoint: Checkpoint
  /** The log key of the policy that verified and counts; the first of several. */
  readonly logVkey: string
  /** Names, as the policy calls them, of the witnesses whose cosignature is right; each once. */
  readonly cosigned: readonly string[]
  /** When each of them says that it signed; the latest, if it signed twice. */
  readonly times: ReadonlyMap<string, number>
  readonly quorumMet: boolean
}

/**
 * Opens a checkpoint with its cosignatures against a trust policy. Lines of keys that the policy
 * does not know, and ML-DSA-44 lines, are ignored; a wrong line of a known key makes the whole note
 * invalid (signed-note v1.0.0). Whether a quorum is asked for and met is told, not demanded.
 * @param counts whether a checkpoint of this size by this log key of the policy is believed: always, unless told otherwise
 * @throws PosternError NOTE_INVALID · POLICY_INVALID if the policy names no log
 */
export async function openCosignedCheckpoint(
  note: string,
  policy: TrustPolicy,
  counts: (vkey: string, size: number) => boolean = () => true,
): Promise<CosignedCheckpoint> {
  demand(policy.logs.length > 0, "POLICY_INVALID", "it names no log")
  const vkeys = policy.logs.map(({ vkey }) => vkey)
  const { text, verifiedBy } = await openNote(note, vkeys)
  const checkpoint = parseCheckpoint(text)
  const own = verifiedBy.filter(({ name }) => name === checkpoint.origin)
  demandNote(own.length > 0, `a checkpoint of ${quote(checkpoint.origin)} by another log's key`)
  const signed = vkeys.filter((vkey) => {
    const { name, keyId } = parseVkey(vkey)
    return own.some((key) => key.name === name && key.keyId === keyId)
  })
  const logVkey = signed.find((vkey) => counts(vkey, checkpoint.size))
  demandNote(logVkey !== undefined, `a checkpoint of size ${checkpoint.size} by a key that ended`)
  const times = await cosignatureTimes(note, policy)
  const cosigned = [...times.keys()]
  return { checkpoint, logVkey, cosigned, times, quorumMet: quorumMet(policy, cosigned) }
}

async function cosignatureTimes(note: string, policy: TrustPolicy): Promise<Map<string, number>> {
  const { text, signatures } = parseNote(note)
  const times = new Map<string, number>()
  for (const line of signatures) {
    for (const { name, vkey } of policy.witnesses) {
      const matches = vkey.name === line.name && vkey.keyId === line.keyId
      if (!matches || vkey.algorithm !== "ed25519") continue
      const time = await checkCosignature(vkey, text, line.signature)
      times.set(name, Math.max(time, times.get(name) ?? 0))
    }
  }
  return times
}
