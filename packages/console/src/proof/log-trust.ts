import { isPosternError, PosternError } from "@postern/log/base"
import { KeyLearner, openKeyTrust, parseKeyProofs, pinnedPolicy } from "@postern/log/evidence"
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

/**
 * Opens the checkpoints of a log as they come; each note once, since many answers bring the same one.
 * @param vkey of the log, from wherever a person has it
 * @param ask for the proofs of each change of the key, when another key signs than is known
 * @returns what throws PosternError if none of the keys signed the note, or it is of another log, and whatever `ask` throws
 */
export function openNotes(
  vkey: string,
  ask: () => Promise<string>,
): (note: string) => Promise<Checkpoint> {
  const { name: origin } = parseVkey(vkey)
  const learning = KeyLearner.open(pinnedPolicy([vkey]), origin, { ask })
  let last: { readonly note: string; readonly opened: Promise<Checkpoint> } | undefined
  const open = async (note: string): Promise<Checkpoint> => {
    const { checkpoint } = await (await learning).openCheckpoint(note)
    if (checkpoint.origin === origin) return checkpoint
    throw new PosternError("NOTE_INVALID", `a checkpoint of ${checkpoint.origin}`)
  }
  return (note) => {
    if (last?.note !== note) {
      last = { note, opened: open(note) }
      // That nobody could be asked says nothing about the note.
      last.opened.catch((error) => {
        if (!isPosternError(error) && last?.note === note) last = undefined
      })
    }
    return last.opened
  }
}
