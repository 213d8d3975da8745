import { rowBytes, rowField, verdicts } from "@postern/log/core"
import type { Changed } from "@postern/log/event"
import type { Named } from "../../policy/rules/index.ts"
import type { PortMemory } from "../sequencer/index.ts"
import type { FilledIn } from "./item-contents.ts"
import { RowEvent } from "./row-event.ts"
import type { BatchToSift } from "./sifted-batch.ts"

export const rowWords = rowBytes / 4
export const verdictWord = rowField.verdict / 4
export const offsetWord = rowField.offset / 4
export const lengthWord = rowField.length / 4
export const decisionWord = rowField.decision / 4
export const changesWord = rowField.changed / 4
const timeWord = rowField.time / 4

/** The rows of the present batch, in the core's memory. */
export class BatchRows {
  readonly words: Uint32Array
  readonly #memory: PortMemory
  readonly #bytes: Buffer

  constructor(memory: PortMemory) {
    const { core, rows, rowsMax } = memory
    const { buffer, byteOffset, byteLength } = core.memory
    this.#memory = memory
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength)
    this.words = new Uint32Array(buffer, byteOffset + rows, rowsMax * rowWords)
  }

  /** What of any row makes it necessary to look at it: mostly nothing, and then nobody needs to search for it. */
  wanted(looks: Uint16Array, count: number): number {
    let wanted = 0
    for (let row = 0, at = decisionWord; row < count; row++, at += rowWords) {
      wanted |= looks[this.words[at] as number] as number
    }
    return wanted
  }

  keptBytes(count: number): number {
    const words = this.words
    let bytes = 0
    for (let row = 0, at = 0; row < count; row++, at += rowWords) {
      if (words[at + verdictWord] === verdicts.accepted) bytes += words[at + lengthWord] as number
    }
    return bytes
  }

  /** Where the accepted ones of so many rows stand. */
  places(count: number): ReadonlySet<number> {
    const places = new Set<number>()
    for (let at = 0; at < count * rowWords; at += rowWords) {
      const isAccepted = this.words[at + verdictWord] === verdicts.accepted
      if (isAccepted) places.add(this.words[at + offsetWord] as number)
    }
    return places
  }

  /** The event, or one of its texts; a view. */
  span(row: number, field: number): Buffer {
    const at = row * rowWords + field / 4
    const offset = this.words[at] as number
    return this.#bytes.subarray(offset, offset + (this.words[at + 1] as number))
  }

  event(row: number): RowEvent {
    const at = row * rowWords
    const [offset, length] = [this.words[at + offsetWord], this.words[at + lengthWord]]
    return new RowEvent(this.#memory, offset as number, length as number)
  }

  named({ writer, adapter }: BatchToSift, row: number): Named {
    const text = (field: number): string => this.span(row, field).toString("latin1")
    const source = this.span(row, rowField.source).toString()
    const [action, outcome] = [text(rowField.action), text(rowField.outcome)]
    return { writer, adapter, source, action, outcome }
  }

  /** Of a row that was scanned and stands as it came. */
  filledIn(changed: Changed, row: number): FilledIn | undefined {
    if (changed === 0) return undefined
    const at = row * rowWords
    const from = (this.words[at + timeWord] as number) - (this.words[at + offsetWord] as number)
    return { from, to: from + (this.words[at + timeWord + 1] as number) }
  }
}
