import { concatBytes } from "@postern/log/base"
import { parseEntry } from "@postern/log/event"
import { type Checkpoint, checkSeveral, leafHash } from "@postern/log/tlog"
import type { EntryAnswer, ProofAnswer } from "../api/index.ts"
import { bytesOf, invalid, readHashes, writerIn } from "./claims.ts"

/** What a path has proven. */
export interface Proven {
  /** Entries in the tree of the checkpoint. */
  readonly size: number
  readonly indexes: readonly number[]
}

/** Opens a note with the keys that are believed. Throws PosternError for one that they did not sign. */
export type OpenNote = (note: string) => Promise<Checkpoint>

/** Waits for a moment in which nobody needs the processor. */
export type Rest = () => Promise<void>

interface Waiting {
  readonly entry: EntryAnswer
  /** The others are there for the sake of the rows. */
  readonly isRow: boolean
}

const nothing: Proven = { size: 0, indexes: [] }
const streamOpened = "postern.stream.opened"

/**
 * Proves many entries at once: those of one answer, or of one connection of a tail. What was taken in waits for a path that
 * covers it. Of each entry it works out what the verification of a single one does, but for the log's history: leaf, path,
 * signature of the checkpoint, and the writer by the entry that opened the stream.
 */
export class EntryProver {
  readonly #open: OpenNote
  readonly #rest: Rest
  /** By index. */
  readonly #waiting = new Map<number, Waiting>()
  /** By the index of the entry that opened the stream, once that is proven. */
  readonly #writers = new Map<number, string>()
  /** Ends with the path before: it may prove the opening that the next one's entries need. Signatures come back in any order. */
  #before: Promise<unknown> = Promise.resolve()

  constructor(open: OpenNote, rest: Rest) {
    this.#open = open
    this.#rest = rest
  }

  take(entry: EntryAnswer): void {
    this.#waiting.set(entry.index, { entry, isRow: true })
  }

  takeOpening(entry: EntryAnswer): void {
    if (!this.#waiting.has(entry.index)) this.#waiting.set(entry.index, { entry, isRow: false })
  }

  /**
   * Proves what the path covers. Without a checkpoint, or if it covers nothing that waits, that is nothing.
   * @throws PosternError PROOF_INVALID, NOTE_INVALID, ENTRY_SYNTAX, KEY_CHANGE_INVALID: the answer does not hold. Anything else:
   * it could not be checked.
   */
  async prove(answer: ProofAnswer): Promise<Proven> {
    const { checkpoint: note, proof } = answer
    if (note === undefined) return nothing
    // At once: what comes while the signature is checked waits for the next path.
    const covered = this.#takeBelow(proof?.size ?? 0)
    const proven = Promise.all([this.#open(note), this.#before]).then(([checkpoint]) =>
      this.#check(checkpoint, proof, covered),
    )
    this.#before = proven.catch(() => undefined)
    return proven
  }

  async #check(
    { size, root }: Checkpoint,
    proof: ProofAnswer["proof"],
    covered: readonly Waiting[],
  ): Promise<Proven> {
    if (proof === undefined) {
      if ([...this.#waiting.keys()].every((index) => index >= size)) return nothing
      throw invalid("the answer brings no path")
    }
    if (proof.size !== size) throw invalid("path and checkpoint differ in size")
    if (covered.length === 0) return nothing
    await this.#rest()
    const hashes = concatBytes(...covered.map(({ entry }) => leafHash(bytesOf(entry))))
    const indexes = covered.map(({ entry }) => entry.index)
    checkSeveral(indexes, hashes, size, readHashes(proof.path), root)
    for (const { entry, isRow } of covered) this.#checkWriter(entry, isRow)
    return { size, indexes }
  }

  /** Ascending. */
  #takeBelow(size: number) {
    const covered = [...this.#waiting.values()].filter(({ entry }) => entry.index < size)
    for (const { entry } of covered) this.#waiting.delete(entry.index)
    return covered.sort((a, b) => a.entry.index - b.entry.index)
  }

  #checkWriter(entry: EntryAnswer, isRow: boolean): void {
    const { stamp, event } = parseEntry(bytesOf(entry))
    const opens = stamp.open === entry.index || event.action === streamOpened
    if (opens) this.#writers.set(entry.index, writerIn(entry))
    if (!isRow) return
    const writer = this.#writers.get(stamp.open)
    if (writer === undefined) throw invalid(`the answer brings no entry ${stamp.open}`)
    if (writer !== entry.writer) throw invalid(`not ${entry.writer} wrote entry ${entry.index}`)
  }
}
