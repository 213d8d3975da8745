import { encodeUtf8, equalBytes, formatHex, isPosternError, sha256 } from "@postern/log/base"
import {
  type Checkpoint,
  formatAddCheckpoint,
  formatSignatureLines,
  parseForeignCheckpoint,
  parseNote,
  parseWitnessAnswer,
} from "@postern/log/tlog"
import type { WireAnswer } from "./exchange.ts"

/** What is to be cosigned: the newest checkpoint, as it is published. */
export interface AskedCheckpoint {
  readonly note: string
  readonly size: number
}

export interface AskWorld {
  readonly origin: string
  /** Rejects if there is no whole answer in time. */
  exchange(method: "GET" | "POST", url: string, body?: string): Promise<WireAnswer>
  /** Consistency proof between two sizes of the log. */
  proof(from: number, to: number): Promise<Uint8Array[]>
  /** Root of the log's tree at this size. */
  root(size: number): Promise<Uint8Array>
}

/** What a witness said, in the words of the port's admin plane. */
export type WitnessWord =
  | { readonly outcome: "cosigned"; readonly size: number; readonly lines: string }
  | { readonly outcome: "larger" | "contradiction"; readonly size: number; readonly note?: string }
  | { readonly outcome: "unknown-log" | "failed"; readonly detail: string }

/** A witness that names another size each time it is asked is given up for now. */
const roundsMax = 3

/**
 * Asks one witness to cosign a checkpoint: at most three requests, and one more to see what it
 * knows if it contradicts. Never throws for what the witness does.
 * @param prefix its URL, without a slash at the end
 * @param checkpoint undefined if the log has published none yet: then it is only asked what it knows
 * @param lastSize what it cosigned last as far as is known, or 0
 */
export async function askWitness(
  prefix: string,
  checkpoint: AskedCheckpoint | undefined,
  lastSize: number,
  world: AskWorld,
): Promise<WitnessWord> {
  try {
    if (checkpoint === undefined) return await askBefore(prefix, world)
    let oldSize = lastSize <= checkpoint.size ? lastSize : 0
    for (let round = 0; round < roundsMax; round++) {
      const step = await ask(prefix, checkpoint, oldSize, world)
      if (typeof step !== "number") return step
      if (step === oldSize) return failed(`it answers 409 to its own size ${step}`)
      oldSize = step
    }
    return failed("it names another size each time")
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error))
  }
}

/** One request; a number is the size to go on from. */
async function ask(
  prefix: string,
  { note, size }: AskedCheckpoint,
  oldSize: number,
  world: AskWorld,
): Promise<WitnessWord | number> {
  const proof = oldSize === 0 || oldSize === size ? [] : await world.proof(oldSize, size)
  const body = formatAddCheckpoint({ oldSize, proof, note })
  const wire = await world.exchange("POST", `${prefix}/add-checkpoint`, body)
  const answer = parseWitnessAnswer(wire.status, wire.contentType, wire.body)
  switch (answer.kind) {
    case "cosigned":
      return { outcome: "cosigned", size, lines: formatSignatureLines(answer.signatures) }
    case "size":
      if (answer.size <= size) return answer.size
      return withNote("larger", answer.size, await show(prefix, world))
    case "contradiction":
      return await contradiction(prefix, size, world)
    case "unknown-log":
      return { outcome: "unknown-log", detail: reason(wire) }
    default:
      return failed(reason(wire))
  }
}

/** A log without a checkpoint is a new one, or one of which everything was taken away. */
async function askBefore(prefix: string, world: AskWorld): Promise<WitnessWord> {
  const note = await show(prefix, world)
  if (note === undefined) return failed("there is no checkpoint yet that it could cosign")
  return withNote("larger", checkpointOf(note)?.size ?? 0, note)
}

/** A witness that refuses a tree, but shows a checkpoint of this very log, has another reason. */
async function contradiction(prefix: string, size: number, world: AskWorld): Promise<WitnessWord> {
  const note = await show(prefix, world)
  const shown = note === undefined ? undefined : checkpointOf(note)
  if (shown !== undefined && shown.size <= size) {
    const ours = await world.root(shown.size)
    if (equalBytes(ours, shown.root)) {
      return failed(`it refuses, although its checkpoint of ${shown.size} entries is this log's`)
    }
  }
  return withNote("contradiction", size, note)
}

/** The checkpoint that the witness shows to monitors; undefined if it shows none. */
async function show(prefix: string, world: AskWorld): Promise<string | undefined> {
  const hash = formatHex(sha256(encodeUtf8(world.origin)))
  try {
    const { status, body } = await world.exchange("GET", `${prefix}/${hash}/checkpoint`)
    return status === 200 && checkpointOf(body) !== undefined ? body : undefined
  } catch {
    return undefined // Showing is optional for a witness; what it said already counts.
  }
}

function checkpointOf(note: string): Checkpoint | undefined {
  try {
    return parseForeignCheckpoint(parseNote(note).text)
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

function withNote(
  outcome: "larger" | "contradiction",
  size: number,
  note: string | undefined,
): WitnessWord {
  return note === undefined ? { outcome, size } : { outcome, size, note }
}

function failed(detail: string): WitnessWord {
  return { outcome: "failed", detail }
}

/** Text of the witness: short, and with nothing in it that moves a terminal's cursor. */
function reason({ status, body }: WireAnswer): string {
  return `status ${status}, ${JSON.stringify(body.slice(0, 200))}`
}
