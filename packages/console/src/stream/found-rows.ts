import type { Row } from "./row.ts"
import { Listeners, type RowProgress, type RowSource } from "./row-source.ts"

export interface FoundPage {
  readonly rows: readonly Row[]
  readonly examined: { readonly from: number; readonly to: number }
  readonly size: number
  readonly isComplete: boolean
  readonly cursor: string | undefined
}

interface Page {
  /** With which the page can be had again; undefined for the first. */
  readonly cursor: string | undefined
  readonly count: number
  /** Undefined while it is forgotten. */
  rows: readonly Row[] | undefined
  /** Number of the last look at it. */
  used: number
}

const pagesMax = 60
/** So many answers without a find are asked for in a row; then a person says go on. */
const emptyPagesMax = 8
/** Rows that came in live and are held; beyond, the question should be asked anew. */
const liveMax = 5000
/** The next page is asked for when its beginning is so near. */
const nearRows = 60

/** Entries that a search finds: page after page by cursor. A page that was forgotten is asked for again. */
export class FoundRows implements RowSource {
  problem: Error | undefined
  readonly #fetch: (cursor: string | undefined, signal: AbortSignal) => Promise<FoundPage>
  readonly #listeners = new Listeners()
  readonly #stop = new AbortController()
  readonly #pages: Page[] = []
  #live: Row[] = []
  #found = 0
  #looks = 0
  #next: { readonly cursor: string | undefined } | undefined = { cursor: undefined }
  #examined = 0
  #size = 0
  #emptyPages = 0
  #underWay = false
  #reading = new Set<Page>()
  #newest: number | undefined

  constructor(fetch: (cursor: string | undefined, signal: AbortSignal) => Promise<FoundPage>) {
    this.#fetch = fetch
  }

  get count(): number {
    return this.#live.length + this.#found
  }

  get newest(): number | undefined {
    return this.#newest
  }

  get version(): number {
    return this.#listeners.version
  }

  get progress(): RowProgress {
    return {
      examined: this.#examined,
      of: Math.max(this.#size, this.#examined),
      isComplete: this.#next === undefined,
      isPaused: this.#next !== undefined && this.#emptyPages >= emptyPagesMax,
    }
  }

  subscribe(changed: () => void): () => void {
    return this.#listeners.subscribe(changed)
  }

  at(position: number): Row | undefined {
    if (position < this.#live.length) return this.#live[position]
    const place = this.#placeOf(position - this.#live.length)
    return place?.page.rows?.[place.offset]
  }

  want(first: number, last: number): void {
    this.#looks++
    let begin = this.#live.length
    for (const page of this.#pages) {
      const end = begin + page.count
      if (end > first && begin < last) {
        page.used = this.#looks
        if (page.rows === undefined) void this.#again(page)
      }
      begin = end
    }
    if (last + nearRows >= begin) this.#more()
  }

  grow(rows: readonly Row[]): number {
    const before = this.#newest ?? -1
    const fresh = rows.filter(({ index }) => index > before)
    if (fresh.length === 0) return 0
    this.#live = [...fresh.toReversed(), ...this.#live].slice(0, liveMax)
    this.#newest = fresh.at(-1)?.index ?? this.#newest
    this.#listeners.tell()
    return fresh.length
  }

  resume(): void {
    this.problem = undefined
    this.#emptyPages = 0
    this.#more()
    this.#listeners.tell()
  }

  close(): void {
    this.#stop.abort()
  }

  #placeOf(position: number): { page: Page; offset: number } | undefined {
    let begin = 0
    for (const page of this.#pages) {
      if (position < begin + page.count) return { page, offset: position - begin }
      begin += page.count
    }
    return undefined
  }

  #more(): void {
    if (this.#underWay || this.#next === undefined || this.problem !== undefined) return
    if (this.#emptyPages >= emptyPagesMax) return
    this.#underWay = true
    void this.#load(this.#next.cursor)
  }

  async #load(cursor: string | undefined): Promise<void> {
    const { signal } = this.#stop
    try {
      const answer = await this.#fetch(cursor, signal)
      this.#take(cursor, answer)
    } catch (error) {
      if (signal.aborted) return
      this.problem = asError(error)
    } finally {
      this.#underWay = false
    }
    this.#listeners.tell()
    // Nothing was found in this part: nobody can scroll to ask for the next one.
    if (this.#emptyPages > 0 && this.#emptyPages < emptyPagesMax) this.#more()
  }

  #take(cursor: string | undefined, answer: FoundPage): void {
    const { rows, examined, size, isComplete } = answer
    this.#size = Math.max(this.#size, size)
    this.#examined += examined.to - examined.from
    this.#next = isComplete || answer.cursor === undefined ? undefined : { cursor: answer.cursor }
    this.#emptyPages = rows.length === 0 ? this.#emptyPages + 1 : 0
    this.#newest ??= size - 1
    if (rows.length === 0) return
    this.#pages.push({ cursor, count: rows.length, rows, used: this.#looks })
    this.#found += rows.length
    this.#forget()
  }

  async #again(page: Page): Promise<void> {
    if (this.#reading.has(page)) return
    this.#reading.add(page)
    const { signal } = this.#stop
    try {
      const { rows } = await this.#fetch(page.cursor, signal)
      // The log is only added to, and the cursor holds the size: the same page has the same rows.
      page.rows = rows.slice(0, page.count)
      this.#forget()
    } catch (error) {
      if (signal.aborted) return
      this.problem = asError(error)
    } finally {
      this.#reading.delete(page)
    }
    this.#listeners.tell()
  }

  #forget(): void {
    const held = this.#pages.filter(({ rows }) => rows !== undefined)
    held.sort((a, b) => a.used - b.used)
    for (const page of held.slice(0, Math.max(0, held.length - pagesMax))) page.rows = undefined
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
