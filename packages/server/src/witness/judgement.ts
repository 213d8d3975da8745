import { equalBytes, isPosternError } from "@postern/log/base"
import {
  type AddCheckpoint,
  checkConsistency,
  emptyRoot,
  type ForeignCheckpoint,
  formatNote,
  formatWitnessSize,
  openNote,
  parseAddCheckpoint,
  parseForeignCheckpoint,
  parseNote,
  parseVkey,
  witnessSizeType,
} from "@postern/log/tlog"

/** A log that this witness was told of by its operator. */
export interface WitnessedLog {
  readonly origin: string
  /** Verifier keys that are trusted for this origin, as text; at least one. */
  readonly vkeys: readonly string[]
}

/** The newest tree head of a log that this witness cosigned. */
export interface Known {
  readonly size: number
  readonly root: Uint8Array
  /** The checkpoint with the log's own signatures; undefined if none was cosigned yet. */
  readonly note: string | undefined
  /** When it was cosigned last: seconds since 1970. */
  readonly time: number
}

/** A request that could be read; nothing says yet that anything in it is true. */
export interface Submission extends AddCheckpoint {
  readonly checkpoint: ForeignCheckpoint
  /** The text that the log signed, and that a cosignature is over. */
  readonly text: string
}

/**
 * What is to be done. With status 200 the driver makes `known` durable, and only then signs `text`.
 * With a `contradiction` the request is kept as evidence.
 */
export type Answer =
  | { readonly status: 200; readonly known: Known; readonly text: string }
  | {
      readonly status: 400 | 403 | 404 | 409 | 422
      readonly body: string
      readonly contentType: string
      readonly contradiction?: string
    }

/** @throws PosternError WITNESS_REQUEST_INVALID · NOTE_INVALID: both mean status 400 */
export function readSubmission(body: string): Submission {
  const request = parseAddCheckpoint(body)
  const { text } = parseNote(request.note)
  return { ...request, text, checkpoint: parseForeignCheckpoint(text) }
}

/**
 * The rules of add-checkpoint (C2SP tlog-witness v1.0.0, with the status codes of its later text),
 * in their order.
 * @param log undefined if this witness was not told of the origin
 * @param known size 0 and the root of the empty tree, if nothing was cosigned yet
 * @param time seconds since 1970
 */
export async function judge(
  log: WitnessedLog | undefined,
  known: Known,
  submission: Submission,
  time: number,
): Promise<Answer> {
  const { oldSize, proof, checkpoint, note, text } = submission
  if (log === undefined) return refuse(404, "this witness does not know the origin")
  const unsigned = await whyUnsigned(note, log)
  if (unsigned !== undefined) return refuse(403, unsigned)
  if (oldSize > checkpoint.size) return refuse(400, "old is larger than the checkpoint")
  if (oldSize !== known.size) {
    return { status: 409, body: formatWitnessSize(known.size), contentType: witnessSizeType }
  }
  const contradiction = whyInconsistent(known, checkpoint, proof)
  if (contradiction !== undefined) return { ...refuse(422, contradiction), contradiction }
  const { size, root } = checkpoint
  return { status: 200, text, known: { size, root, note: ownLines(note, log), time } }
}

/** The whole note is refused if one signature of a trusted key is wrong (signed-note v1.0.0). */
async function whyUnsigned(note: string, log: WitnessedLog): Promise<string | undefined> {
  try {
    await openNote(note, log.vkeys)
    return undefined
  } catch (error) {
    if (isPosternError(error)) return error.message
    throw error
  }
}

function whyInconsistent(
  known: Known,
  { size, root }: ForeignCheckpoint,
  proof: readonly Uint8Array[],
): string | undefined {
  if (known.size === 0 && proof.length > 0) return "a proof from size 0 is empty"
  if (size === 0 && !equalBytes(root, emptyRoot)) return "not the root of the empty tree"
  if (size === known.size && !equalBytes(root, known.root)) {
    return "another root was cosigned at the same size"
  }
  try {
    checkConsistency(known.size, size, proof, known.root, root)
    return undefined
  } catch (error) {
    if (isPosternError(error)) return error.message
    throw error
  }
}

/** The note with the lines of the log's trusted keys only: others may have been put in by anybody. */
function ownLines(note: string, log: WitnessedLog): string {
  const { text, signatures } = parseNote(note)
  const keys = log.vkeys.map(parseVkey)
  const own = signatures.filter((line) =>
    keys.some(({ name, keyId }) => name === line.name && keyId === line.keyId),
  )
  return formatNote({ text, signatures: own })
}

function refuse(status: 400 | 403 | 404 | 422, reason: string) {
  return { status, body: `${reason}\n`, contentType: "text/plain; charset=utf-8" } as const
}
