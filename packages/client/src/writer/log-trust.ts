/** What a writer believes of the log it writes to: each checkpoint must go on from the one believed before. Pure. */
import { equalBytes, PosternError } from "@postern/log/base"
import { checkConsistency, checkInclusion, openCheckpoint } from "@postern/log/tlog"
import type { AuditAnswer } from "@postern/log/wire"

/** A checkpoint that was found right. */
export interface Believed {
  readonly size: number
  readonly root: Uint8Array
  readonly note: string
}

/** An entry of this writer's, as its receipt has it. */
export interface Sample {
  readonly index: number
  readonly leafHash: Uint8Array
}

/**
 * Judges what a port says of its log; the checkpoint to believe from now on.
 * @param known undefined if none was ever believed · @param sample that was asked for
 * @throws PosternError NOTE_INVALID for a checkpoint that the log key did not sign · LOG_ROLLED_BACK for one that is smaller than the
 *   known one · LOG_FORKED for another tree of the same size · PROOF_INVALID if it does not begin with the known one, or does not hold
 *   the sample
 */
export async function judgeAnswer(
  answer: AuditAnswer,
  known: Believed | undefined,
  sample: Sample | undefined,
  vkey: string,
): Promise<Believed> {
  const { note } = answer
  const { size, root } = await openCheckpoint(note, vkey)
  if (known !== undefined) checkGoesOn({ size, root, note }, known, answer)
  if (sample !== undefined && sample.index < size) {
    if (answer.sample !== sample.index) {
      const detail = `no proof of entry ${sample.index}, which its ${size} entries must hold`
      throw new PosternError("PROOF_INVALID", detail)
    }
    checkInclusion(sample.index, size, sample.leafHash, answer.path, root)
  }
  return { size, root, note }
}

function checkGoesOn(said: Believed, known: Believed, { from, consistency }: AuditAnswer): void {
  const [then, now] = [known.size, said.size]
  if (now < then) {
    throw new PosternError("LOG_ROLLED_BACK", `its checkpoint has ${now} entries, and had ${then}`)
  }
  if (now === then && !equalBytes(known.root, said.root)) {
    throw new PosternError("LOG_FORKED", `two trees of ${now} entries are signed`)
  }
  if (from !== then) {
    throw new PosternError("PROOF_INVALID", `a proof from ${from} entries, not from ${then}`)
  }
  checkConsistency(then, now, consistency, known.root, said.root)
}
