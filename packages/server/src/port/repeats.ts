import { rowField } from "@postern/log/core"
import type { Examination } from "./examination.ts"
import type { Look, RecentIds } from "./sequencer/index.ts"

/** A row with an id that is new, or that stood with other content before. */
interface Fresh {
  readonly row: number
  readonly look: Look
  /** The last row before it with the same id. */
  readonly earlier: number | undefined
  /** The last row before it whose key begins with the same word. */
  readonly alike: Fresh | undefined
  /** Said only where the id was met before. */
  readonly id: string | undefined
}

/**
 * Recognises, row by row, what a sender without streams has sent before: by the bytes as they came, before the policy looks at them.
 * Remembered is what gets a place. Lives for one offer of a body.
 */
export class Repeats {
  /** The first id of this body that stood with other content before, and the index it had then. */
  reused: { readonly id: string; readonly index: number } | undefined
  readonly #recent: RecentIds
  readonly #examination: Examination
  readonly #writer: string
  readonly #changed: number
  readonly #fresh: Fresh[] = []
  readonly #known: { readonly position: number; readonly index: number }[] = []
  /** Rows that are the same as an earlier one of this body. */
  readonly #copies: { readonly position: number; readonly of: number }[] = []

  constructor(
    recent: RecentIds,
    examination: Examination,
    body: { readonly peer: { readonly id: string }; readonly changed: number },
  ) {
    this.#recent = recent
    this.#examination = examination
    this.#writer = body.peer.id
    this.#changed = body.changed
  }

  /** Leaves out what was there before of the rows that were judged. */
  leaveOut(count: number): void {
    /** By the first word of the key: the last row that has it. */
    const latest = new Map<number, Fresh>()
    for (let row = 0; row < count; row++) {
      if (!this.#examination.isAccepted(row)) continue
      const look = this.#look(row)
      if (look.known?.same === true) {
        this.#known.push({ position: row, index: look.known.index })
        this.#examination.leaveOut(row)
        continue
      }
      const alike = latest.get(look.high)
      const earlier = findKey(alike, look.low)
      if (earlier !== undefined && isSame(earlier.look, look)) {
        this.#copies.push({ position: row, of: earlier.row })
        this.#examination.leaveOut(row)
        continue
      }
      const isMet = earlier !== undefined || look.known !== undefined
      const id = isMet ? this.#idOf(row) : undefined
      const fresh = { row, look, earlier: earlier?.row, alike, id }
      latest.set(look.high, fresh)
      this.#fresh.push(fresh)
    }
  }

  /** The policy has looked at what was not left out: a copy of what it refused is refused as well. */
  refuseCopies(): void {
    for (const { position, of } of this.#copies) {
      if (!this.#examination.isAccepted(of)) this.#examination.refuseAs(position, of)
    }
  }

  /**
   * Remembers the rows that got a place. Gives those that were there before, in the order of the body.
   * @param rows in the order of their entries, the first of which has index `first`
   */
  placed(
    rows: readonly number[],
    first: number,
  ): { readonly position: number; readonly index: number }[] {
    /** By row: its number among those that got a place, from 1. */
    const numbers = new Uint32Array((rows.at(-1) ?? -1) + 1)
    for (let i = 0; i < rows.length; i++) numbers[rows[i] as number] = i + 1
    const indexOf = (row: number | undefined): number | undefined => {
      const number = row === undefined ? 0 : (numbers[row] ?? 0)
      return number === 0 ? undefined : first + number - 1
    }
    for (const { row, look, earlier, id } of this.#fresh) {
      const index = indexOf(row)
      if (index === undefined) continue
      const before = indexOf(earlier) ?? look.known?.index
      if (before !== undefined && id !== undefined) this.reused ??= { id, index: before }
      this.#recent.remember(look, index)
    }
    const copies = this.#copies.flatMap(({ position, of }) => {
      const index = indexOf(of)
      return index === undefined ? [] : [{ position, index }]
    })
    return [...this.#known, ...copies].sort((a, b) => a.position - b.position)
  }

  #look(row: number): Look {
    const examination = this.#examination
    const id = examination.span(row, rowField.id)
    const look = this.#recent.look(this.#writer, id, examination.content(row, this.#changed))
    const { known } = look
    if (known === undefined || known.same) return look
    // Of an event that the policy changed the log remembers its texts only.
    const same = this.#recent.isContent(look, examination.texts(row, this.#changed))
    return { ...look, known: { ...known, same } }
  }

  #idOf(row: number): string {
    return Buffer.from(this.#examination.bytes(row, rowField.id)).toString()
  }
}

/** The last one of those alike whose key ends with this word. */
function findKey(alike: Fresh | undefined, low: number): Fresh | undefined {
  let fresh = alike
  while (fresh !== undefined && fresh.look.low !== low) fresh = fresh.alike
  return fresh
}

function isSame(a: Look, b: Look): boolean {
  return a.content.every((word, i) => word === b.content[i])
}
