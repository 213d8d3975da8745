import type { Query } from "@postern/log/query"
import type { AskedWorld } from "./asked-world.ts"
import { confirmBlock } from "./confirming.ts"
import { GroupFilter } from "./group-filter.ts"
import type { Part } from "./part.ts"
import { PartDamaged } from "./part-source.ts"
import { decide } from "./planner.ts"
import { within } from "./rows.ts"
import type { IndexAnswer, IndexHit, IndexQuestion } from "./search-index.ts"
import { blockRows } from "./token-blocks.ts"
import { Turns } from "./turns.ts"

/**
 * Hits in the order of the question. What is not indexed stays in `rest`; of a question from the newest on nothing is answered
 * unless all of it is indexed.
 */
export async function search(world: AskedWorld, question: IndexQuestion): Promise<IndexAnswer> {
  const { from, order } = question
  const holding = world.parts.hold()
  const turns = new Turns(world.elapsedMs, question.ms, world.rota)
  try {
    world.rows.refresh()
    const end = holding.parts.at(-1)?.end ?? 0
    const to = Math.min(question.to, end)
    if (from >= to || (order === "desc" && to < question.to)) {
      return { hits: [], rest: { from, to: question.to } }
    }
    const found = await new Search(world, question, turns, to).run(holding.parts)
    const { rest } = found
    return order === "desc" || rest.from < rest.to || to === question.to
      ? { hits: found.hits, rest: order === "asc" ? { from: rest.from, to: question.to } : rest }
      : { hits: found.hits, rest: { from: to, to: question.to } }
  } finally {
    turns.end()
    holding.release()
  }
}

class Search {
  readonly #world: AskedWorld
  readonly #question: IndexQuestion
  readonly #turns: Turns
  readonly #filter: GroupFilter
  readonly #hits: IndexHit[] = []
  #bytes = 0
  #from: number
  #to: number

  constructor(world: AskedWorld, question: IndexQuestion, turns: Turns, to: number) {
    this.#world = world
    this.#question = question
    this.#turns = turns
    this.#filter = new GroupFilter(world.parts.groups, world.key, question.query)
    this.#from = question.from
    this.#to = to
  }

  async run(parts: readonly Part[]): Promise<IndexAnswer> {
    const touched = parts.filter((part) => part.end > this.#from && part.first < this.#to)
    if (this.#isDown) touched.reverse()
    for (const part of touched) {
      if (!this.#filter.mayHold(part)) this.#examined(this.#isDown ? part.first : part.end)
      else if (!(await this.#searchPart(part))) break
    }
    return { hits: this.#hits, rest: { from: this.#from, to: this.#to } }
  }

  get #isDown(): boolean {
    return this.#question.order === "desc"
  }

  /** False if the search ends in this part. */
  async #searchPart(part: Part): Promise<boolean> {
    try {
      const { query } = this.#question
      const asked = { key: this.#world.key, turns: this.#turns, needsMust: false }
      const { may } = await decide(part, asked, query)
      const words = within(may, this.#from - part.first, this.#to - part.first, part.count)
      if (words !== undefined && !(await this.#searchBlocks(part, words, query))) return false
    } catch (error) {
      if (!(error instanceof PartDamaged)) throw error
      this.#world.onDamaged(part, error.message)
      return false
    }
    this.#examined(this.#isDown ? part.first : part.end)
    return this.#turns.go()
  }

  /** Everything up to here has been looked at. */
  #examined(end: number): void {
    if (this.#isDown) this.#to = Math.max(this.#from, Math.min(this.#to, end))
    else this.#from = Math.min(this.#to, Math.max(this.#from, end))
  }

  async #searchBlocks(part: Part, words: Int32Array, query: Query): Promise<boolean> {
    const step = this.#isDown ? -1 : 1
    for (
      let block = this.#isDown ? words.length - 1 : 0;
      block >= 0 && block < words.length;
      block += step
    ) {
      const word = words[block] as number
      if (word === 0) continue
      const hits = await confirmBlock(this.#world, part, block, word, query)
      if (this.#isDown) hits.reverse()
      for (const hit of hits) if (!this.#take(hit)) return false
      const blockFirst = part.first + block * blockRows
      this.#examined(this.#isDown ? blockFirst : Math.min(part.end, blockFirst + blockRows))
      if (!(await this.#turns.go())) return false
    }
    return true
  }

  /** False if the answer is full, before the hit or with it. */
  #take(hit: IndexHit): boolean {
    const { rows, bytes } = this.#question
    if (this.#hits.length > 0 && this.#bytes + hit.leaf.length > bytes) {
      this.#examined(this.#isDown ? hit.index + 1 : hit.index)
      return false
    }
    this.#hits.push(hit)
    this.#bytes += hit.leaf.length
    this.#examined(this.#isDown ? hit.index : hit.index + 1)
    return this.#hits.length < rows
  }
}
