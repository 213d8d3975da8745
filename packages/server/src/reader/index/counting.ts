import type { Query } from "@postern/log/query"
import type { AskedWorld } from "./asked-world.ts"
import { confirmBlock } from "./confirming.ts"
import { GroupFilter } from "./group-filter.ts"
import type { Part } from "./part.ts"
import { PartDamaged } from "./part-source.ts"
import { decide, receivedRows } from "./planner.ts"
import { and, type Decision, within } from "./rows.ts"
import type { Counted, CountQuestion } from "./search-index.ts"
import { blockRows } from "./token-blocks.ts"
import { Turns } from "./turns.ts"

/** What is counted. Parts come from the newest on, each at most once. */
export interface Tally {
  /** All rows of a part count. */
  whole(part: Part): void
  /** Rows that count: a word for each block. */
  rows(part: Part, words: Int32Array): void
  /** Counts a part without deciding it row by row; false if that cannot be done. */
  ahead?(part: Part): boolean
  /** What more would be counted finds no room: the answer covers no more parts. */
  readonly isFull?: boolean
}

/**
 * Counts what fulfils the question, from the newest entry on, until the time is up.
 * @param finish comes while the parts that were counted are still open
 */
export async function count(
  world: AskedWorld,
  question: CountQuestion,
  tally: Tally,
  finish: (turns: Turns) => Promise<void> = async () => undefined,
): Promise<Counted> {
  const holding = world.parts.hold()
  const turns = new Turns(world.elapsedMs, question.ms, world.rota)
  try {
    world.rows.refresh()
    const to = Math.min(question.to, holding.parts.at(-1)?.end ?? 0)
    const counted = await new Counting(world, question, tally, turns, to).run(holding.parts)
    await finish(turns)
    return counted
  } finally {
    turns.end()
    holding.release()
  }
}

class Counting {
  readonly #world: AskedWorld
  readonly #question: CountQuestion
  readonly #tally: Tally
  readonly #turns: Turns
  readonly #filter: GroupFilter
  readonly #to: number
  #from: number
  #byColumns = true

  constructor(world: AskedWorld, question: CountQuestion, tally: Tally, turns: Turns, to: number) {
    this.#world = world
    this.#question = question
    this.#tally = tally
    this.#turns = turns
    this.#filter = new GroupFilter(world.parts.groups, world.key, question.query)
    this.#to = Math.max(to, question.from)
    this.#from = this.#to
  }

  async run(parts: readonly Part[]): Promise<Counted> {
    const { from } = this.#question
    const touched = parts.filter((part) => part.end > from && part.first < this.#to).reverse()
    for (const part of touched) {
      try {
        if (this.#filter.mayHold(part) && !(await this.#countPart(part))) break
      } catch (error) {
        if (!(error instanceof PartDamaged)) throw error
        this.#world.onDamaged(part, error.message)
        break
      }
      this.#from = Math.max(from, part.first)
      if (this.#tally.isFull === true || !(await this.#turns.go())) break
    }
    return { examined: { from: this.#from, to: this.#to }, byColumns: this.#byColumns }
  }

  /** False if the time was up within the part. */
  async #countPart(part: Part): Promise<boolean> {
    const { query, from, since, until } = this.#question
    const isInside = part.first >= from && part.end <= this.#to
    const times = receivedRows(part, since, until)
    if (times === "none") return true
    if (isInside && times === "all" && this.#tally.ahead?.(part) === true) return true
    const asked = { key: this.#world.key, turns: this.#turns, needsMust: true }
    const decision = await decide(part, asked, query)
    const may = and(decision.may, times)
    if (may === "all" && decision.must === "all" && isInside) {
      this.#tally.whole(part)
      return true
    }
    const words = within(may, from - part.first, this.#to - part.first, part.count)
    if (words === undefined) return true
    if (isDecided(decision, words)) {
      this.#tally.rows(part, words)
      return true
    }
    return this.#confirm(part, words, decision, query)
  }

  /** Reads from the log what columns leave open, from the newest block on. */
  async #confirm(
    part: Part,
    words: Int32Array,
    { must }: Decision,
    query: Query,
  ): Promise<boolean> {
    this.#byColumns = false
    const found = new Int32Array(words.length)
    const mustOf = (block: number): number =>
      must === "all" ? -1 : must === "none" ? 0 : (must[block] as number)
    let isDone = true
    for (let block = words.length - 1; block >= 0; block--) {
      const word = words[block] as number
      if (word === 0) continue
      found[block] = word & mustOf(block)
      const open = word & ~mustOf(block)
      if (open === 0) continue
      for (const { index } of await confirmBlock(this.#world, part, block, open, query)) {
        found[block] = (found[block] as number) | (1 << ((index - part.first) % blockRows))
      }
      if (block > 0 && !(await this.#turns.go())) {
        this.#from = Math.max(this.#question.from, part.first + block * blockRows)
        isDone = false
        break
      }
    }
    this.#tally.rows(part, found)
    return isDone
  }
}

/** Whether none of the candidates has to be looked at. */
function isDecided({ must }: Decision, words: Int32Array): boolean {
  if (must === "all") return true
  if (must === "none") return false
  return words.every((word, block) => (word & ~(must[block] as number)) === 0)
}
