import { assert, formatBase64, parseBase64, parseDecimal } from "../base/index.ts"
import { demandNote, quote } from "./demand.ts"
import { hashBytes } from "./hash.ts"
import { openNote } from "./note.ts"
import { isKeyName } from "./vkey.ts"

/** A tree head, as a log states it (C2SP tlog-checkpoint v1.0.0). */
export interface Checkpoint {
  /** Which log: the name of its key. */
  readonly origin: string
  /** Entries in the tree, below 2^53. */
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

/** `<origin>\n<size>\n<base64 root>\n`: the text of the note, without extension lines. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  assert(isKeyName(origin), "an origin is a key name")
  assert(Number.isSafeInteger(size) && size >= 0, "a size is a whole number below 2^53")
  assert(root.length === hashBytes, "a root has 32 bytes")
  return `${origin}\n${size}\n${formatBase64(root)}\n`
}

/**
 * Parses the text of a checkpoint (not the signed note). Extension lines are refused: no log of
 * ours writes them, and nobody could audit what they say.
 * @throws PosternError NOTE_INVALID
 */
export function parseCheckpoint(text: string): Checkpoint {
  const { extensions, ...checkpoint } = parseForeignCheckpoint(text)
  demandNote(extensions.length === 0, "a checkpoint has three lines")
  demandNote(isKeyName(checkpoint.origin), `${quote(checkpoint.origin)} is not an origin`)
  return checkpoint
}

/** A checkpoint of whatever log speaks C2SP tlog-checkpoint. */
export interface ForeignCheckpoint extends Checkpoint {
  /** Lines after the third: opaque. A witness signs them along and says nothing about them. */
  readonly extensions: readonly string[]
}

/**
 * parseCheckpoint for checkpoints of logs that are not ours: any origin that is not empty, and
 * extension lines.
 * @throws PosternError NOTE_INVALID
 */
export function parseForeignCheckpoint(text: string): ForeignCheckpoint {
  const [origin = "", sizeText = "", rootText = "", ...rest] = text.split("\n")
  demandNote(rest.pop() === "", "a checkpoint has three lines")
  demandNote(origin !== "", "a checkpoint without an origin")
  const size = parseDecimal(sizeText)
  demandNote(size !== undefined, `${quote(sizeText)} is not a size`)
  const root = parseBase64(rootText)
  demandNote(root?.length === hashBytes, `${quote(rootText)} is not a root`)
  demandNote(!rest.includes(""), "an empty extension line")
  return { origin, size, root, extensions: rest }
}

/**
 * Opens a signed checkpoint of the log that this verifier key belongs to: its origin is the name of
 * the key.
 * @param vkey the log's verifier key, as text, from somewhere else than the log; or each key that it has had
 * @throws PosternError NOTE_INVALID
 */
export async function openCheckpoint(
  note: string,
  vkey: string | readonly string[],
): Promise<Checkpoint> {
  const { text, verifiedBy } = await openNote(note, [vkey].flat())
  const checkpoint = parseCheckpoint(text)
  const isOwn = verifiedBy.some(({ name }) => name === checkpoint.origin)
  demandNote(isOwn, `a checkpoint of ${quote(checkpoint.origin)}`)
  return checkpoint
}
