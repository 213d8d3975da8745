import { rowField } from "@postern/log/core"
import type { Examination } from "./examination.ts"
import type { RecentIds } from "./sequencer/index.ts"

/** Recognises, row by row, what a sender without streams has sent before. Lives for one body. */
export class Repeats {
  readonly duplicates: { readonly position: number; readonly index: number }[] = []
  /** The first id of this body that stood with other content before, and the index it had then. */
  reused: { readonly id: string; readonly index: number } | undefined
  readonly #recent: RecentIds
  readonly #examination: Examination
  readonly #writer: string
  readonly #changed: number
  /** Index that the next new row gets. */
  #next: number

  constructor(
    recent: RecentIds,
    examination: Examination,
    body: { readonly peer: { readonly id: string }; readonly changed: number },
    next: number,
  ) {
    this.#recent = recent
    this.#examination = examination
    this.#writer = body.peer.id
    this.#changed = body.changed
    this.#next = next
  }

  /** Whether the row is to become an entry. Rows are asked for in order, each once. */
  isNew(row: number): boolean {
    const id = this.#examination.bytes(row, rowField.id)
    const content = this.#examination.content(row, this.#changed)
    const known = this.#recent.meet({ writer: this.#writer, id, content }, this.#next)
    if (known?.same === true) {
      this.duplicates.push({ position: row, index: known.index })
      return false
    }
    if (known !== undefined) this.reused ??= { id: Buffer.from(id).toString(), index: known.index }
    this.#next += 1
    return true
  }
}
