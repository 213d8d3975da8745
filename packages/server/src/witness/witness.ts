import { encodeUtf8, formatBase64, formatHex, isPosternError, sha256 } from "@postern/log/base"
import {
  emptyRoot,
  formatCosigned,
  formatNote,
  parseNote,
  signCosignature,
} from "@postern/log/tlog"
import { type Answer, judge, type Known, readSubmission, type Submission } from "./judgement.ts"
import { type OpenedDirectory, originHash } from "./witness-directory.ts"

export interface WitnessWorld {
  /** Milliseconds since 1970. */
  now(): number
  tell(level: "info" | "warn" | "error", message: string, more?: object): void
  /** Keeps a contradiction; durable once it resolves. The same one may come often. */
  keepEvidence(name: string, text: string): Promise<void>
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
  readonly contentType: string
}

export interface Witness {
  readonly vkey: string
  /** `POST add-checkpoint`. Requests about one log are judged one after the other. */
  addCheckpoint(body: string): Promise<HttpAnswer>
  /** The newest cosigned checkpoint of the log whose origin has this hash, or undefined. */
  checkpoint(originHash: string): Promise<string | undefined>
  /** Waits for what is being judged, and gives the directory free. */
  close(): Promise<void>
}

const text = "text/plain; charset=utf-8"
const nothing: Known = { size: 0, root: emptyRoot, note: undefined, time: 0 }

/**
 * The witness without its socket. Check and persist are one step for each log: nobody else judges
 * by a tree head that is about to change, and the answer leaves when the new one is durable.
 */
export function openWitness(directory: OpenedDirectory, world: WitnessWorld): Witness {
  const known = new Map(directory.known)
  const turns = new Map<string, Promise<unknown>>()
  const seconds = () => Math.floor(world.now() / 1000)

  /** Runs after all that came before about this origin, whether that went well or not. */
  function inTurn<T>(origin: string, run: () => Promise<T>): Promise<T> {
    const turn = (turns.get(origin) ?? Promise.resolve()).then(run, run)
    turns.set(origin, turn)
    return turn
  }

  async function decide(submission: Submission): Promise<HttpAnswer> {
    const { origin } = submission.checkpoint
    const before = known.get(origin) ?? nothing
    const answer = await judge(directory.logs.get(origin), before, submission, seconds())
    if (answer.status === 200) return await cosign(origin, answer)
    if (answer.contradiction !== undefined) {
      world.tell("error", "a log contradicts itself", { origin, why: answer.contradiction })
      await world.keepEvidence(...evidenceOf(submission, before, answer.contradiction))
    }
    return answer
  }

  async function cosign(origin: string, answer: Answer & { status: 200 }): Promise<HttpAnswer> {
    // The point of no return: from here on no other tree of this size, and none smaller, is signed.
    await directory.persist(origin, answer.known)
    known.set(origin, answer.known)
    const line = await signCosignature(answer.text, answer.known.time, directory.signer)
    return { status: 200, body: formatCosigned([line]), contentType: text }
  }

  return {
    vkey: directory.vkey,
    async addCheckpoint(body) {
      let submission: Submission
      try {
        submission = readSubmission(body)
      } catch (error) {
        if (!isPosternError(error)) throw error
        return { status: 400, body: `${error.message}\n`, contentType: text }
      }
      const { origin } = submission.checkpoint
      // Origins that nobody added have no turn to wait for and leave nothing behind.
      if (!directory.logs.has(origin)) return await decide(submission)
      return await inTurn(origin, () => decide(submission))
    },
    async checkpoint(hash) {
      const origin = [...directory.logs.keys()].find((one) => originHash(one) === hash)
      const newest = origin === undefined ? undefined : known.get(origin)
      if (newest?.note === undefined) return undefined
      const { text, signatures } = parseNote(newest.note)
      // Ed25519 gives the same signature again for the same text and time.
      const own = await signCosignature(text, newest.time, directory.signer)
      return formatNote({ text, signatures: [...signatures, own] })
    },
    async close() {
      await Promise.allSettled(turns.values())
      directory.release()
    },
  }
}

/**
 * What was known and what was sent, under the name of the two texts: who repeats a request, with
 * whatever proof, adds nothing.
 */
function evidenceOf(
  submission: Submission,
  known: Known,
  why: string,
): [name: string, text: string] {
  const { oldSize, proof, note } = submission
  const name = formatHex(sha256(encodeUtf8(`${known.note ?? ""}\n${submission.text}`)))
  const content = {
    postern: "witness-evidence@v1",
    why,
    known: known.note,
    oldSize,
    proof: proof.map(formatBase64),
    offered: note,
  }
  return [name, `${JSON.stringify(content, null, 2)}\n`]
}
