import { isPosternError, PosternError } from "@postern/log/base"
import type { EntryAnswer, EntryPage, ProofAnswer } from "../api/index.ts"
import { EntryProver, type OpenNote, type Rest } from "../proof/index.ts"
import type { Row } from "./row.ts"
import { Listeners } from "./row-source.ts"

/** Of a row: the size of the tree in which this browser found it; or that what came with it does not hold. */
export type RowProof = number | "failed"

/** So many entries at most are sent again by a tail for the sake of their proof. */
const againMax = 500

interface LateRow {
  readonly entry: EntryAnswer
  readonly row: Row
}

/** Which rows of a list are proven. They are shown before that: it is done when there is time for it. */
export class RowProofs {
  /** Why something that came does not hold. It does not become better again: one lie is enough. */
  failure: PosternError | undefined
  readonly #open: OpenNote
  readonly #rest: Rest
  readonly #listeners = new Listeners()
  readonly #proofs = new WeakMap<Row, RowProof>()
  /** Rows of pages that are newer than the checkpoint that came with them. */
  readonly #late = new Map<number, LateRow>()
  /** Size of the tree that the first page was proven in. */
  #signed: number | undefined

  /** @param open opens notes with the log's key @param rest waits for a moment that nobody else needs */
  constructor(open: OpenNote, rest: Rest) {
    this.#open = open
    this.#rest = rest
  }

  get version(): number {
    return this.#listeners.version
  }

  subscribe(changed: () => void): () => void {
    return this.#listeners.subscribe(changed)
  }

  of(row: Row): RowProof | undefined {
    return this.#proofs.get(row)
  }

  /** @param rows of the entries of the page, in their order */
  takePage(page: EntryPage, rows: readonly Row[]): void {
    const { entries, openings = [], checkpoint, proof } = page
    this.#signed ??= proof?.size
    const stretch = this.begin()
    for (const opening of openings) stretch.takeOpening(opening)
    for (const [i, entry] of entries.entries()) {
      const row = rows[i] as Row
      stretch.takeEntry(entry, row)
      const isLate = checkpoint !== undefined && entry.index >= (proof?.size ?? 0)
      if (isLate) this.#late.set(entry.index, { entry, row })
    }
    stretch.prove(page)
  }

  /** After which index a tail has to begin so that the newest rows, too, are proven. @param newest of the rows */
  startOf(newest: number): number {
    const signed = this.#signed ?? newest + 1
    return newest - signed < againMax ? Math.min(newest, signed - 1) : newest
  }

  /** For one connection of a tail. */
  begin(): Stretch {
    return new Stretch(
      new EntryProver(this.#open, this.#rest),
      this.#late,
      (rows, proof, failure) => {
        this.failure ??= failure
        for (const row of rows) this.#proofs.set(row, proof)
        this.#listeners.tell()
      },
    )
  }
}

type Found = (rows: readonly Row[], proof: RowProof, failure?: PosternError) => void

/** What is proven together, and what is to be said of it. */
export class Stretch {
  readonly #prover: EntryProver
  readonly #late: Map<number, LateRow>
  readonly #found: Found
  readonly #rows = new Map<number, Row>()
  readonly #again = new Map<number, EntryAnswer>()

  constructor(prover: EntryProver, late: Map<number, LateRow>, found: Found) {
    this.#prover = prover
    this.#late = late
    this.#found = found
  }

  takeEntry(entry: EntryAnswer, row: Row): void {
    this.#prover.take(entry)
    this.#rows.set(entry.index, row)
  }

  /** One that a page has, too: its row may be there already, or come later. */
  takeAgain(entry: EntryAnswer): void {
    this.#prover.take(entry)
    this.#again.set(entry.index, entry)
  }

  takeOpening(entry: EntryAnswer): void {
    this.#prover.takeOpening(entry)
  }

  prove(answer: ProofAnswer): void {
    void this.#prove(answer)
  }

  async #prove(answer: ProofAnswer): Promise<void> {
    try {
      const { size, indexes } = await this.#prover.prove(answer)
      const rows = indexes.flatMap((index) => this.#rows.get(index) ?? this.#lateRow(index) ?? [])
      for (const index of indexes) this.#rows.delete(index)
      if (rows.length > 0) this.#found(rows, size)
    } catch (error) {
      // The key could not be had: rows stay without a mark, as those that no checkpoint covers.
      if (!isPosternError(error)) return
      this.#found([...this.#rows.values()], "failed", error)
    }
  }

  /** The row of a page, if the page said the same of the entry. */
  #lateRow(index: number): Row | undefined {
    const again = this.#again.get(index)
    const late = this.#late.get(index)
    this.#again.delete(index)
    if (again === undefined || late === undefined) return undefined
    this.#late.delete(index)
    if (late.entry.leaf === again.leaf && late.entry.writer === again.writer) return late.row
    this.#found([late.row], "failed")
    throw new PosternError("PROOF_INVALID", `entry ${index} came in two forms`)
  }
}
