import { isPosternError, type PosternError } from "../base/index.ts"
import {
  type CosignedCheckpoint,
  type NoteSignature,
  parseNote,
  parseVkey,
  type TrustPolicy,
} from "../tlog/index.ts"
import { formatKeyProofs, type KeyProof, parseKeyProofs } from "./key-proof.ts"
import { KeyTrust } from "./key-trust.ts"

/** So that at most every 1,024th checkpoint leads to a question that nobody answers. */
const failuresMax = 10

export interface KeyLearnerWorld {
  /** The log's own proofs, as text: `GET /v1/keys`, or the file. Whoever answers is not believed. */
  ask(): Promise<string>
  /** What was learned, as text, is to be remembered: a key that ended stays so only for who knows it. */
  learned?(text: string): void | Promise<void>
}

/**
 * Opens the checkpoints of a log over the years. It asks for proofs when other keys sign than those that it knows: once for each
 * set of keys that it meets. What it learned before it goes on believing, whatever it is told later.
 */
export class KeyLearner {
  readonly #world: KeyLearnerWorld
  readonly origin: string
  readonly #trust: KeyTrust
  #proofs: readonly KeyProof[] = []
  /** Keys that signed when it last got an answer. */
  #askedAbout: string | undefined
  /** Questions without a good answer, one after the other, and how many checkpoints it lets pass before the next. */
  #failures = 0
  #pause = 0

  private constructor(policy: TrustPolicy, origin: string, world: KeyLearnerWorld) {
    this.#world = world
    this.origin = origin
    this.#trust = new KeyTrust(policy, origin)
  }

  /**
   * @param policy pins a key of the log @param remembered what `learned` was told before
   * @throws PosternError KEY_CHANGE_INVALID if what is remembered does not hold under this policy
   */
  static async open(
    policy: TrustPolicy,
    origin: string,
    world: KeyLearnerWorld,
    remembered = "",
  ): Promise<KeyLearner> {
    const learner = new KeyLearner(policy, origin, world)
    learner.#proofs = parseKeyProofs(remembered)
    for (const proof of learner.#proofs) await learner.#trust.learn(proof)
    return learner
  }

  get trust(): KeyTrust {
    return this.#trust
  }

  /** All that it holds, oldest first: what somebody else needs who pinned the same key. */
  get proofs(): readonly KeyProof[] {
    return this.#proofs
  }

  /**
   * Opens a checkpoint, and asks if need be.
   * @throws PosternError NOTE_INVALID · KEY_CHANGE_INVALID if it is signed by keys whose proofs do not hold
   */
  async openCheckpoint(note: string): Promise<CosignedCheckpoint> {
    const signedBy = this.#signedBy(note)
    if (signedBy === this.#expected() || signedBy === this.#askedAbout || this.#pauses()) {
      return this.#opened(note)
    }
    const problem = await this.#ask()
    if (problem === undefined) this.#askedAbout = signedBy
    this.#failures = problem === undefined ? 0 : Math.min(this.#failures + 1, failuresMax)
    this.#pause = problem === undefined ? 0 : 2 ** this.#failures - 2
    try {
      return await this.#opened(note)
    } catch (error) {
      throw problem?.code === "KEY_CHANGE_INVALID" ? problem : error
    }
  }

  /** Asks now, whoever signs: for those who keep the proofs for others. No answer is no error. */
  async refresh(): Promise<void> {
    await this.#ask()
  }

  #pauses(): boolean {
    this.#pause -= 1
    return this.#pause >= 0
  }

  #opened(note: string): Promise<CosignedCheckpoint> {
    return this.#trust.openCheckpoint(note)
  }

  /** Why nothing, or not everything, was learned: it matters only where the checkpoint cannot be opened without. */
  async #ask(): Promise<PosternError | undefined> {
    const before = this.#proofs.length
    let problem: PosternError | undefined
    try {
      const known = new Set(this.#proofs.map(({ index }) => index))
      const told = parseKeyProofs(await this.#world.ask()).filter(({ index }) => !known.has(index))
      for (const proof of told) {
        await this.#trust.learn(proof)
        this.#proofs = [...this.#proofs, proof].toSorted((a, b) => a.index - b.index)
      }
    } catch (error) {
      if (!isPosternError(error)) throw error
      problem = error
    }
    if (this.#proofs.length > before) await this.#world.learned?.(formatKeyProofs(this.#proofs))
    return problem
  }

  /** The lines in the log's name, whether they are right or not. */
  #signedBy(note: string): string {
    return namesOf(parseNote(note).signatures, this.origin)
  }

  #expected(): string {
    const live = this.#trust.keys.filter(({ bound }) => bound === undefined)
    return namesOf(
      live.map(({ vkey }) => parseVkey(vkey)),
      this.origin,
    )
  }
}

function namesOf(lines: readonly Pick<NoteSignature, "name" | "keyId">[], origin: string): string {
  const ids = lines.filter(({ name }) => name === origin).map(({ keyId }) => keyId)
  return [...new Set(ids)].toSorted((a, b) => a - b).join(" ")
}
