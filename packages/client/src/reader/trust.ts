import { concatBytes, equalBytes, PosternError } from "@postern/log/base"
import { KeyLearner, pinnedPolicy } from "@postern/log/evidence"
import {
  type Checkpoint,
  checkConsistency,
  checkSeveral,
  parseVkey,
  type TrustPolicy,
} from "@postern/log/tlog"
import type { Asker } from "./ask.ts"
import {
  addClaim,
  type ClaimedEntry,
  type LogEntry,
  makeEntry,
  openingOf,
  readClaim,
  readHashes,
} from "./entry.ts"

/** What is asked by itself: proofs of consistency, and of the log's keys. */
export type TrustAsker = Pick<Asker, "json"> & Partial<Pick<Asker, "text">>

/** What an answer says to prove its entries. */
export interface ProofAnswer {
  readonly checkpoint?: unknown
  readonly proof?: unknown
}

/** The log's keys, beyond the one of the profile (docs/spec/keys.md). */
export interface KnownKeys {
  /** Whose keys and quorum count; default: the profile's key and nobody else. */
  readonly policy?: TrustPolicy | undefined
  /** Proofs that were learned before, as text. */
  readonly remembered?: string | undefined
  /** Told of all proofs that are believed, whenever there are more. */
  readonly learned?: ((proofs: string) => void) | undefined
}

/**
 * What this reader believes of the log: checkpoints signed by the profile's key, or by one that it leads to, each consistent with the newest one
 * seen before. A log that shows two histories to one reader is found out here.
 */
export class Trust {
  readonly #asker: TrustAsker
  readonly #vkey: string
  readonly #known: KnownKeys
  #keys: KeyLearner | undefined
  readonly #onCheckpoint: ((note: string) => void) | undefined
  /** From an earlier day, not opened yet. */
  #remembered: string | undefined
  #newest: Checkpoint | undefined
  #checking: Promise<unknown> = Promise.resolve()

  /**
   * @param remembered a note that was believed before: what comes must be consistent with it
   * @param onCheckpoint told of each newer one that was found right
   */
  constructor(
    asker: TrustAsker,
    vkey: string,
    remembered?: string,
    onCheckpoint?: (note: string) => void,
    known: KnownKeys = {},
  ) {
    this.#asker = asker
    this.#vkey = vkey
    this.#known = known
    this.#remembered = remembered
    this.#onCheckpoint = onCheckpoint
  }

  /** Of the newest checkpoint seen; 0 before the first. An answer to a later question must not go back behind it. */
  get size(): number {
    return this.#newest?.size ?? 0
  }

  /** Opens a signed checkpoint and connects it with those seen before. Errors: NOTE_INVALID, PROOF_INVALID. */
  believe(note: unknown): Promise<Checkpoint> {
    const mine = this.#checking.then(() => this.#believe(note))
    this.#checking = mine.catch(() => undefined)
    return mine
  }

  async #believe(note: unknown): Promise<Checkpoint> {
    if (typeof note !== "string")
      throw new PosternError("NOTE_INVALID", "the answer has no checkpoint")
    if (this.#remembered !== undefined) {
      this.#newest = await this.#open(this.#remembered)
      this.#remembered = undefined
    }
    const found = await this.#open(note)
    const known = this.#newest
    if (known !== undefined) await this.#connect(known, found)
    if (known === undefined || known.size < found.size) {
      this.#newest = found
      this.#onCheckpoint?.(note)
    }
    return found
  }

  async #open(note: string): Promise<Checkpoint> {
    this.#keys ??= await this.#openKeys()
    const { checkpoint } = await this.#keys.openCheckpoint(note)
    const { origin } = this.#keys
    if (checkpoint.origin === origin) return checkpoint
    throw new PosternError("NOTE_INVALID", `a checkpoint of another log than ${origin}`)
  }

  #openKeys(): Promise<KeyLearner> {
    const { policy = pinnedPolicy([this.#vkey]), remembered, learned } = this.#known
    const ask = async () => (await this.#asker.text?.("/v1/keys")) ?? ""
    const { name: origin } = parseVkey(this.#vkey)
    const world = { ask, ...(learned === undefined ? {} : { learned }) }
    return KeyLearner.open(policy, origin, world, remembered)
  }

  /** Both must be of one history. */
  async #connect(known: Checkpoint, found: Checkpoint): Promise<void> {
    const [small, large] = known.size <= found.size ? [known, found] : [found, known]
    if (small.size === large.size) {
      if (equalBytes(small.root, large.root)) return
      throw new PosternError("PROOF_INVALID", `two signed roots for ${small.size} entries`)
    }
    const answer = (await this.#asker.json(
      `/v1/proof/consistency?from=${small.size}&to=${large.size}`,
    )) as { path?: unknown } | null
    checkConsistency(small.size, large.size, readHashes(answer?.path), small.root, large.root)
  }

  /**
   * The entries of a page, proven by its one path as far as its checkpoint goes.
   * @param atLeast what `size` was when the page was asked for
   */
  async readPage(value: unknown, atLeast: number): Promise<LogEntry[]> {
    const page = (value ?? {}) as Record<string, unknown>
    const entries = readClaims(page.entries)
    const claims = new Map<number, ClaimedEntry>()
    const beside = [...readClaims(page.openings), ...readClaims(page.neighbours ?? [])]
    for (const claim of [...entries, ...beside]) addClaim(claims, claim)
    const proven = await this.prove([...claims.values()], page, atLeast)
    return entries.map((claim) => makeEntry(claim, openingOf(claim, claims), claim.index < proven))
  }

  /**
   * Checks the path of an answer for all claims below its size. Gives the size up to which they are proven.
   * @param claims distinct · @param atLeast what `size` was when it was asked
   */
  async prove(
    claims: readonly ClaimedEntry[],
    answer: ProofAnswer,
    atLeast: number,
  ): Promise<number> {
    if (answer.checkpoint === undefined && atLeast === 0) return 0
    const checkpoint = await this.believe(answer.checkpoint)
    demandFresh(checkpoint.size, atLeast)
    const covered = claims.filter(({ index }) => index < checkpoint.size)
    if (covered.length === 0) return checkpoint.size
    const sorted = covered.toSorted((a, b) => a.index - b.index)
    const proof = (answer.proof ?? {}) as { size?: unknown; path?: unknown }
    if (proof.size !== checkpoint.size)
      throw new PosternError("PROOF_INVALID", "the answer has no proof")
    const indexes = sorted.map(({ index }) => index)
    const hashes = concatBytes(...sorted.map(({ hash }) => hash))
    checkSeveral(indexes, hashes, checkpoint.size, readHashes(proof.path), checkpoint.root)
    return checkpoint.size
  }
}

/** A port that has shown a checkpoint cannot take it back. @throws PosternError PROOF_INVALID */
export function demandFresh(size: number, atLeast: number): void {
  if (size >= atLeast) return
  throw new PosternError("PROOF_INVALID", `a checkpoint of ${size} after one of ${atLeast}`)
}

function readClaims(value: unknown): ClaimedEntry[] {
  if (!Array.isArray(value))
    throw new PosternError("PROOF_INVALID", "the answer has no list of entries")
  return value.map(readClaim)
}
