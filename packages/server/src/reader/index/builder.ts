import { encodeUtf8, isPosternError, PosternError } from "@postern/log/base"
import { findSlot, type LogView, type ReadSlot, segmentPath, walkSlots } from "../../disk/index.ts"
import { encodeGroup, type Group, groupParts } from "./group.ts"
import { type IndexDirectory, rootAt } from "./index-directory.ts"
import { PartDraft } from "./part-draft.ts"
import { PartDamaged } from "./part-source.ts"
import type { BuildProgress, IndexRange } from "./search-index.ts"
import { SectionCache } from "./section-cache.ts"
import { Segments } from "./segments.ts"
import { Writers } from "./writers.ts"

/** Rows of a piece that is not made again, and of the smaller ones before it is full. Both are whole blocks. */
const pieceRows = 8192
const smallPieceRows = 512
/** Further behind the head no pieces are made: what is being read becomes a part soon. */
const pieceLagMax = 65_536
const headWaitMs = 1000

/** Who hears of what was built. */
export interface BuilderWorld {
  /** A part is durable. */
  onPart(first: number): void
  /** A group of parts is durable, or is there already and good. */
  onGroup(first: number): void
  /** What follows the newest part, in memory: takes the place of all pieces that begin with it or behind it. */
  onPiece(bytes: Uint8Array<ArrayBuffer>): void
  /** The log begins at `minimum` now: parts and groups of what was before are gone. */
  onPruned(minimum: number): void
  /** Everything that was built is gone; the seed is another one. */
  onReset(): void
  onProgress(progress: BuildProgress): void
}

/** Reads the log and makes parts and pieces of it. One instance for an index directory. */
export class Builder {
  readonly #log: string
  readonly #view: LogView
  readonly #directory: IndexDirectory
  readonly #world: BuilderWorld
  readonly #segments: Segments
  readonly #writers: Writers
  /** Entries that are in parts, ascending. */
  #covered: IndexRange[] = []
  #draft: PartDraft
  /** Where the slots go on that were not read yet; undefined if that is to be looked for. */
  #slotAt: number | undefined
  #pieced = 0
  #smallPieced = 0
  #isStopped = false
  #wake: () => void = () => undefined

  constructor(log: string, view: LogView, directory: IndexDirectory, world: BuilderWorld) {
    this.#log = log
    this.#view = view
    this.#directory = directory
    this.#world = world
    this.#segments = new Segments(log)
    this.#writers = new Writers(view)
    this.#draft = new PartDraft(directory.seed, 0)
  }

  /** The parts that are there already. Before anything else. */
  async begin(parts: readonly IndexRange[]): Promise<void> {
    await this.#segments.refresh(this.#view.head().minimum)
    this.#covered = [...parts]
    await this.#group()
    this.#restart()
  }

  /** Index of the next entry to read. */
  get next(): number {
    return this.#draft.first + this.#draft.count
  }

  #restart(): void {
    let next = this.#segments.start
    for (const { from, to } of this.#covered) if (from <= next && to > next) next = to
    this.#beginDraft(next)
    this.#slotAt = undefined
  }

  #beginDraft(first: number): void {
    this.#draft = new PartDraft(this.#directory.seed, first)
    this.#pieced = 0
    this.#smallPieced = 0
  }

  /** A part is not what it says: it is made anew, and what follows it waits. */
  lose(first: number): void {
    this.#directory.removePart(first)
    this.#covered = this.#covered.filter(({ from }) => from !== first)
    this.#lost = true
    this.#wake()
  }
  #lost = false

  /** All there is is thrown away soon, and built anew. */
  rebuild(): void {
    this.#isRebuilt = true
    this.#lost = true
    this.#wake()
  }
  #isRebuilt = false

  /** What is built of entries that were removed goes with them. */
  async #prune(minimum: number): Promise<void> {
    await this.#segments.refresh(minimum)
    this.#directory.removeBelow(minimum)
    this.#covered = this.#covered.filter(({ to }) => to > minimum)
    if (this.#draft.first < minimum) this.#restart()
    this.#world.onPruned(minimum)
  }

  async #reset(): Promise<void> {
    this.#isRebuilt = false
    await this.#directory.clear()
    this.#covered = []
    this.#grouped.clear()
    this.#world.onReset()
  }

  /** Builds up to the head, once. With `pieces`, what is no part yet is given out of memory. */
  async catchUp(pieces: boolean): Promise<void> {
    while (!this.#isStopped) {
      if (this.#lost) {
        this.#lost = false
        if (this.#isRebuilt) await this.#reset()
        this.#restart()
      }
      const head = this.#view.head()
      if (head.minimum > this.#segments.start) await this.#prune(head.minimum)
      if (head.segment > this.#segments.newest) await this.#segments.refresh(head.minimum)
      await this.#endSegment()
      const before = this.next
      if (before >= head.size) break
      await this.#readSegment(head.size, pieces)
      if (this.next === before && !this.#isStopped && !this.#lost) {
        throw new PosternError("LOG_DAMAGED", `no slot holds entry ${before}`)
      }
    }
    if (pieces && !this.#isStopped) this.#givePieces()
    this.#tell()
  }

  #tell(): void {
    this.#world.onProgress({ done: this.next, of: this.#view.head().size })
  }

  /** Where the draft must end: with its segment, and before a part that is there already. */
  #limit(): number {
    const { end = Number.MAX_SAFE_INTEGER } = this.#segments.of(this.#draft.first)
    const behind = this.#covered.find(({ from }) => from > this.#draft.first)
    return Math.min(end, behind?.from ?? end)
  }

  async #endSegment(): Promise<void> {
    if (this.next < this.#limit()) return
    if (this.#draft.count > 0) await this.#finish()
    this.#slotAt = undefined
  }

  async #readSegment(head: number, pieces: boolean): Promise<void> {
    const { first } = this.#segments.of(this.next)
    const limit = Math.min(head, this.#limit())
    const path = segmentPath(this.#log, first, "seg")
    const from = this.#slotAt ?? (await findSlot(this.#log, this.next)).at
    for await (const slot of walkSlots(path, from)) {
      if (slot.header.first >= limit || this.#isStopped || this.#lost) break
      if (slot.header.first + slot.header.entries > this.next) await this.#readSlot(slot, limit)
      this.#slotAt = slot.at + slot.header.bytes
      if (this.#draft.first + this.#draft.count === limit) break
      if (this.#draft.count % pieceRows < slot.header.entries) this.#pause(head, pieces)
    }
  }

  #pause(head: number, pieces: boolean): void {
    this.#tell()
    if (pieces && head - this.next <= pieceLagMax) this.#givePieces()
  }

  async #readSlot(slot: ReadSlot, limit: number): Promise<void> {
    const { records } = slot
    let index = slot.header.first
    for (let at = 0; at + 2 <= records.length && index < limit; index++) {
      const end = at + 2 + (((records[at] as number) << 8) | (records[at + 1] as number))
      if (end > records.length)
        throw new PosternError("LOG_DAMAGED", `the record of entry ${index} is cut off`)
      if (index >= this.next) {
        const open = this.#draft.take(records.subarray(at + 2, end), slot.at, at)
        this.#draft.settle(open === undefined ? undefined : await this.#writerOf(open, index))
        if (this.#draft.isFull) await this.#finish()
      }
      at = end
    }
  }

  #known: { readonly open: number; readonly writer: Uint8Array } = {
    open: -1,
    writer: new Uint8Array(),
  }

  async #writerOf(open: number, index: number): Promise<Uint8Array | undefined> {
    if (open === this.#known.open) return this.#known.writer
    try {
      const writer = encodeUtf8(this.#writers.known(open) ?? (await this.#writers.of(open, index)))
      this.#known = { open, writer }
      return writer
    } catch (error) {
      // Whoever reads the entry hears of it.
      if (isPosternError(error)) return undefined
      throw error
    }
  }

  async #finish(): Promise<void> {
    const { first, count } = this.#draft
    const rootBefore = await rootAt(this.#view, first)
    const root = await rootAt(this.#view, first + count)
    await this.#directory.writePart(first, this.#draft.encode(0, count, rootBefore, root))
    this.#covered.push({ from: first, to: first + count })
    this.#covered.sort((a, b) => a.from - b.from)
    this.#world.onPart(first)
    await this.#group()
    let next = first + count
    for (const { from, to } of this.#covered) if (from === next) next = to
    if (next !== first + count) this.#slotAt = undefined
    this.#beginDraft(next)
  }

  /** Makes the groups that are missing. One that is not of the parts that are there is made anew. */
  async #group(): Promise<void> {
    for (let at = this.#groupsFrom(); at + groupParts <= this.#covered.length; at += groupParts) {
      const members = this.#covered.slice(at, at + groupParts)
      const first = (members[0] as IndexRange).from
      const isJoined = members.every(({ from }, i) => i === 0 || from === members[i - 1]?.to)
      if (!isJoined || this.#grouped.has(first)) continue
      try {
        if (!isGroupOf(this.#directory, members)) await this.#writeGroup(members)
      } catch (error) {
        // Whoever asks the damaged part notices it too, and it is made anew; until then its neighbours have no group.
        if (!(error instanceof PartDamaged)) throw error
        continue
      }
      this.#grouped.add(first)
      this.#world.onGroup(first)
    }
  }
  readonly #grouped = new Set<number>()

  /** Where the groups begin that are there already: parts before were in one that went with the log's beginning. */
  #groupsFrom(): number {
    const groups = new Set(this.#directory.listGroups())
    const at = this.#covered.slice(0, groupParts).findIndex(({ from }) => groups.has(from))
    return Math.max(0, at)
  }

  async #writeGroup(members: readonly IndexRange[]): Promise<void> {
    const cache = new SectionCache(0)
    const parts = members.map(({ from }) => this.#directory.openPart(from, cache))
    try {
      await this.#directory.writeGroup(
        (members[0] as IndexRange).from,
        encodeGroup(parts, this.#directory.seed),
      )
    } finally {
      for (const part of parts) part.close()
    }
  }

  #givePieces(): void {
    const { count } = this.#draft
    for (; count - this.#pieced >= pieceRows; this.#pieced += pieceRows) {
      this.#world.onPiece(this.#draft.encode(this.#pieced, this.#pieced + pieceRows))
      this.#smallPieced = this.#pieced + pieceRows
    }
    for (; count - this.#smallPieced >= smallPieceRows; this.#smallPieced += smallPieceRows) {
      this.#world.onPiece(this.#draft.encode(this.#smallPieced, this.#smallPieced + smallPieceRows))
    }
    if (count > this.#smallPieced) this.#world.onPiece(this.#draft.encode(this.#smallPieced, count))
  }

  /** Follows the log until `stop`. */
  async follow(): Promise<void> {
    const unsubscribe = this.#view.onHead(() => this.#wake())
    try {
      while (!this.#isStopped) {
        const begun = performance.now()
        await this.catchUp(true)
        await this.#news(performance.now() - begun)
      }
    } finally {
      unsubscribe()
    }
  }

  /** Ends when the log has gone on, or after a while. @param tookMs how long it took to index what was new last */
  #news(tookMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), headWaitMs)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = () => undefined
        // A busy log has news all the time: its pieces are made a few times a second, those of a quiet one at once.
        setTimeout(resolve, Math.min(pieceEveryMs, tookMs * restShare))
      }
      if (this.#isStopped || this.#lost || this.#view.head().size > this.next) this.#wake()
    })
  }

  /** Resolves nothing by itself: `follow` ends soon. */
  stop(): void {
    this.#isStopped = true
    this.#wake()
  }
}

const pieceEveryMs = 100
/** What the thread rests, by what it works: one that follows takes a fifth of a core until pieces are at their largest. */
const restShare = 4

/** Whether the group that is there is of just these parts. */
function isGroupOf(directory: IndexDirectory, members: readonly IndexRange[]): boolean {
  const first = (members[0] as IndexRange).from
  if (!directory.listGroups().includes(first)) return false
  const cache = new SectionCache(0)
  let group: Group | undefined
  try {
    group = directory.openGroup(first)
    for (const [place, { from }] of members.entries()) {
      const part = directory.openPart(from, cache)
      const isMember = group.isMember(place, part)
      part.close()
      if (!isMember) return false
    }
    return true
  } catch (error) {
    if (!(error instanceof PartDamaged)) throw error
    return false
  } finally {
    group?.close()
  }
}
