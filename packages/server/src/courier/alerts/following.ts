import { type AlertsState, learn, type Observed } from "../../alerts/index.ts"
import type { LogView } from "../../disk/index.ts"
import { readLeafMark } from "./leaf-mark.ts"
import { StreamWriters } from "./stream-writers.ts"

const chunkBytes = 1_048_576
/** What is learned of the past before a first start: newest entries, and their bytes at most. */
const learnEntries = 200_000
const learnBytes = 134_217_728

export interface Taken {
  readonly entries: readonly Observed[]
  /** Index of the first entry that was not looked at. */
  readonly next: number
}

/** Entries of the log in order, each with who wrote it. Holds one chunk at a time. */
export class Following {
  readonly #view: LogView
  readonly #writers: StreamWriters
  readonly #ownId: string

  /** @param ownId the SPIFFE ID under which alerts are written */
  constructor(view: LogView, ownId: string) {
    this.#view = view
    this.#writers = new StreamWriters(view)
    this.#ownId = ownId
  }

  get size(): number {
    return this.#view.head().size
  }

  /** Up to a mebibyte of the entries [index, end) that are there, without damaged ones: to find those is others' work. Errors: NOT_FOUND, LOG_DAMAGED. */
  async take(index: number, end = this.size): Promise<Taken> {
    const from = Math.max(index, this.#view.head().minimum)
    if (from >= end) return { entries: [], next: from }
    const leaves = await this.#view.leaves(from, end, chunkBytes)
    const entries: Observed[] = []
    for (const [at, leaf] of leaves.entries()) {
      const mark = readLeafMark(leaf)
      if (mark === undefined) continue
      const found = this.#writers.of(mark.open)
      const writer = found instanceof Promise ? await found : found
      const own = writer === this.#ownId
      entries.push({ index: from + at, receivedMs: mark.receivedMs, writer, own, leaf })
    }
    return { entries, next: from + leaves.length }
  }

  /** Which writers came from where before `state.position`, as far as the newest entries say; raises nothing. */
  async learn(state: AlertsState): Promise<void> {
    let bytes = learnBytes
    const from = Math.max(0, state.position - learnEntries)
    for (let at = from; at < state.position && bytes > 0; ) {
      const { entries, next } = await this.take(at, state.position)
      for (const entry of entries) {
        learn(state, entry)
        bytes -= entry.leaf.length
      }
      at = next
    }
  }
}
