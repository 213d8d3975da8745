/** What a writer believes of the log it writes to: each checkpoint must go on from the one believed before. Pure. */
import { equalBytes, PosternError } from "@postern/log/base"
import { checkConsistency, checkInclusion } from "@postern/log/tlog"
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

/** What was asked of the port. */
export interface Asked {
  readonly sample: Sample | undefined
  /** The newest checkpoint with a quorum was, which may be older than the one that is believed. */
  readonly witnessed: boolean
}

/**
 * Judges what a port says of its log: whether its checkpoint, which the log key signed, may be believed.
 * @param said the checkpoint of `answer` · @param known undefined if none was ever believed
 * @throws PosternError LOG_ROLLED_BACK for one that is smaller than the known one · LOG_FORKED for another tree of the same size ·
 *   PROOF_INVALID if one does not begin with the other, or it does not hold the sample
 */
export function judgeAnswer(
  answer: AuditAnswer,
  said: Believed,
  known: Believed | undefined,
  { sample, witnessed }: Asked,
): void {
  const { size, root } = said
  if (known !== undefined) checkGoesOn(said, known, answer, witnessed)
  if (sample !== undefined && sample.index < size) {
    if (answer.sample !== sample.index) {
      const detail = `no proof of entry ${sample.index}, which its ${size} entries must hold`
      throw new PosternError("PROOF_INVALID", detail)
    }
    checkInclusion(sample.index, size, sample.leafHash, answer.path, root)
  }
}

function checkGoesOn(
  said: Believed,
  known: Believed,
  { from, consistency }: AuditAnswer,
  mayBeOlder: boolean,
): void {
  const [then, now] = [known.size, said.size]
  if (now < then && !mayBeOlder) {
    throw new PosternError("LOG_ROLLED_BACK", `its checkpoint has ${now} entries, and had ${then}`)
  }
  if (now === then && !equalBytes(known.root, said.root)) {
    throw new PosternError("LOG_FORKED", `two trees of ${now} entries are signed`)
  }
  if (from !== then) {
    throw new PosternError("PROOF_INVALID", `a proof from ${from} entries, not from ${then}`)
  }
  const [small, large] = now < then ? [said, known] : [known, said]
  checkConsistency(small.size, large.size, consistency, small.root, large.root)
}
