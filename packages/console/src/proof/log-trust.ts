import { PosternError } from "@postern/log/base"
import { openKeyTrust, parseKeyProofs, pinnedPolicy } from "@postern/log/evidence"
import type { Checkpoint } from "@postern/log/tlog"
import { parseVkey } from "@postern/log/tlog"

/** Keys that a checkpoint of the log may be signed with: the one that is believed, and those that it hands over to. */
export interface LogTrust {
  readonly origin: string
  readonly vkeys: readonly string[]
  /** @throws PosternError if none of the keys signed it, or it is of another log */
  open(note: string): Promise<Checkpoint>
}

/**
 * @param vkey of the log, from wherever a person has it
 * @param proofs the answer of /v1/keys: each change of the key, signed by the one before
 * @throws PosternError for a key that is none, or proofs that do not hold
 */
export async function openLogTrust(vkey: string, proofs: string): Promise<LogTrust> {
  const { name: origin } = parseVkey(vkey)
  const policy = pinnedPolicy([vkey])
  const trust = await openKeyTrust(policy, origin, parseKeyProofs(proofs))
  return {
    origin,
    vkeys: trust.keys.map((key) => key.vkey),
    async open(note) {
      const { checkpoint } = await trust.openCheckpoint(note)
      if (checkpoint.origin === origin) return checkpoint
      throw new PosternError("NOTE_INVALID", `a checkpoint of ${checkpoint.origin}`)
    },
  }
}
