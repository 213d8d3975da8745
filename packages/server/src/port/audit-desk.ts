import { consistencyProof, inclusionProof } from "@postern/log/tlog"
import type { AuditAnswer, AuditQuestion } from "@postern/log/wire"
import type { PublishedLog } from "./published-log.ts"

export interface AuditDeskWorld {
  readonly log: Pick<PublishedLog, "newest" | "witnessed">
  /** Proofs of changes of the log key from this index on, as text; undefined if there is none. */
  keys(from: number): string | undefined
  /** Milliseconds, never going back. */
  now(): number
  /** An answer could not be made. */
  failed(error: unknown): void
}

interface Waiting {
  readonly owner: object
  readonly question: AuditQuestion
  readonly answer: (answer: AuditAnswer) => void
  readonly ahead: (size: number) => void
}

/** One connection is answered at most so often, and all together. */
const ownerEveryMs = 1000
const everyMs = 20

/**
 * Answers writers that audit the log they write to: the newest published or witnessed checkpoint, with proofs out of the hash files,
 * as any follower would read them. Slow on purpose and beside everything else: nobody's batch waits for it, and nobody is left out.
 */
export class AuditDesk {
  readonly #world: AuditDeskWorld
  #waiting: Waiting[] = []
  #answered = new WeakMap<object, number>()
  /** Whose answer is being made. */
  #serving: object | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(world: AuditDeskWorld) {
    this.#world = world
  }

  /**
   * Answers in its turn, once there is a checkpoint; not at all if the owner is forgotten before.
   * @param owner has one question at a time
   * @param ahead told, before the answer, if the writer has seen more than is published; of how much that is
   */
  ask(
    owner: object,
    question: AuditQuestion,
    answer: (answer: AuditAnswer) => void,
    ahead: (size: number) => void,
  ): void {
    if (this.#isClosed) return
    this.#waiting.push({ owner, question, answer, ahead })
    this.#timer ??= setTimeout(() => this.#next(), everyMs)
  }

  forget(owner: object): void {
    if (this.#serving === owner) this.#serving = undefined
    this.#waiting = this.#waiting.filter((waiting) => waiting.owner !== owner)
  }

  /** Answers nobody any more. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#waiting = []
    this.#serving = undefined
  }

  #next(): void {
    const now = this.#world.now()
    const at = this.#waiting.findIndex(({ owner }) => {
      return now - (this.#answered.get(owner) ?? Number.NEGATIVE_INFINITY) >= ownerEveryMs
    })
    const [first] = at < 0 ? [] : this.#waiting.splice(at, 1)
    const done = first === undefined ? Promise.resolve() : this.#serve(first)
    done
      .catch((error) => this.#world.failed(error))
      .finally(() => {
        const goesOn = this.#waiting.length > 0 && !this.#isClosed
        this.#timer = goesOn ? setTimeout(() => this.#next(), everyMs) : undefined
      })
  }

  async #serve(waiting: Waiting): Promise<void> {
    const { owner, question, answer, ahead } = waiting
    this.#answered.set(owner, this.#world.now())
    this.#serving = owner
    const answered = await this.#answer(question, ahead)
    if (this.#serving !== owner) return
    if (answered !== undefined) answer(answered)
    else this.#waiting.push(waiting)
  }

  /** Undefined while there is no checkpoint. */
  async #answer(
    { seen, sample, witnessed = false, keys }: AuditQuestion,
    ahead: (size: number) => void,
  ): Promise<AuditAnswer | undefined> {
    const { log } = this.#world
    const newest = await log.newest()
    if (newest === undefined) return undefined
    const isAhead = seen > newest.size
    if (isAhead) ahead(newest.size)
    const { note, size, read } = (witnessed ? await log.witnessed() : undefined) ?? newest
    const [small, large] = [Math.min(seen, size), Math.max(seen, size)]
    const isCovered = sample !== undefined && sample < size
    return {
      note,
      from: seen,
      consistency: isAhead ? [] : await consistencyProof(small, large, read),
      sample: isCovered ? sample : undefined,
      path: isCovered ? await inclusionProof(sample, size, read) : [],
      keys: keys === undefined ? undefined : this.#world.keys(keys),
    }
  }
}
