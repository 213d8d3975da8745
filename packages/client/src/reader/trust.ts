import { concatBytes, equalBytes, PosternError } from "@postern/log/base"
import { type Checkpoint, checkConsistency, checkSeveral, openCheckpoint } from "@postern/log/tlog"
import type { Asker } from "./ask.ts"
import {
  addClaim,
  type ClaimedEntry,
  type LogEntry,
  makeEntry,
  readClaim,
  readHashes,
} from "./entry.ts"

/**
 * What this reader believes of the log: checkpoints signed by the profile's key, each consistent with the newest one
 * seen before. A log that shows two histories to one reader is found out here.
 */
export class Trust {
  readonly #asker: Asker
  readonly #vkey: string
  #newest: Checkpoint | undefined
  #checking: Promise<unknown> = Promise.resolve()

  constructor(asker: Asker, vkey: string) {
    this.#asker = asker
    this.#vkey = vkey
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
    const found = await openCheckpoint(note, this.#vkey)
    const known = this.#newest
    if (known === undefined) {
      this.#newest = found
      return found
    }
    const [small, large] = known.size <= found.size ? [known, found] : [found, known]
    if (small.size === large.size) {
      if (equalBytes(small.root, large.root)) return found
      throw new PosternError("PROOF_INVALID", `two signed roots for ${small.size} entries`)
    }
    const answer = (await this.#asker.json(
      `/v1/proof/consistency?from=${small.size}&to=${large.size}`,
    )) as { path?: unknown } | null
    checkConsistency(small.size, large.size, readHashes(answer?.path), small.root, large.root)
    this.#newest = large
    return found
  }

  /** The entries of a page, proven by its one path as far as its checkpoint goes. */
  async readPage(value: unknown): Promise<LogEntry[]> {
    const page = (value ?? {}) as Record<string, unknown>
    const entries = readClaims(page.entries)
    const claims = new Map<number, ClaimedEntry>()
    for (const claim of [...entries, ...readClaims(page.openings)]) addClaim(claims, claim)
    const proven = await this.prove([...claims.values()], page)
    return entries.map((claim) => {
      const opening = claims.get(claim.stream)
      if (opening === undefined)
        throw new PosternError("PROOF_INVALID", `no opening of stream ${claim.stream}`)
      return makeEntry(claim, opening, claim.index < proven)
    })
  }

  /** Checks the path of an answer for all claims below its size. Gives the size up to which they are proven. */
  async prove(
    claims: readonly ClaimedEntry[],
    answer: { readonly checkpoint?: unknown; readonly proof?: unknown },
  ): Promise<number> {
    if (answer.checkpoint === undefined) return 0
    const checkpoint = await this.believe(answer.checkpoint)
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

function readClaims(value: unknown): ClaimedEntry[] {
  if (!Array.isArray(value))
    throw new PosternError("PROOF_INVALID", "the answer has no list of entries")
  return value.map(readClaim)
}
