import { join } from "node:path"
import type { LogView } from "../../disk/index.ts"
import type { AskedWorld } from "./asked-world.ts"
import { facets, values } from "./facets.ts"
import { histogram } from "./histogram.ts"
import { openGroupFile } from "./index-directory.ts"
import { hashKeyOf } from "./keyed-hash.ts"
import { LogRows } from "./log-rows.ts"
import { Part } from "./part.ts"
import { partName } from "./part-format.ts"
import { PartSet } from "./part-set.ts"
import { openPartFile, partInMemory } from "./part-source.ts"
import type {
  FacetField,
  Facets,
  FacetsQuestion,
  Histogram,
  HistogramQuestion,
  IndexAnswer,
  IndexQuestion,
  IndexState,
  ValueCount,
} from "./search-index.ts"
import { search } from "./searching.ts"
import { SectionCache } from "./section-cache.ts"
import { Segments } from "./segments.ts"
import { Rota } from "./turns.ts"
import { Writers } from "./writers.ts"

/** Bytes of parts that are kept in memory, pieces aside. */
export const cacheBytesMax = 96 * 1024 * 1024

const elapsedMs = (): number => performance.now()

/** Everything that answers, on whichever thread: parts, the cache of what was read of them, the log beside. */
export class Answering {
  readonly #index: string
  readonly #cache = new SectionCache(cacheBytesMax)
  readonly #segments: Segments
  readonly #parts: PartSet
  readonly #world: AskedWorld & { key: AskedWorld["key"] }
  #seed: Uint8Array
  #pieceNumber = 0

  /** @param onDamaged a file is not what it says: it is no longer asked */
  private constructor(
    log: string,
    index: string,
    view: LogView,
    segments: Segments,
    seed: Uint8Array,
    onDamaged: (first: number, reason: string) => void,
  ) {
    this.#index = index
    this.#seed = seed
    this.#segments = segments
    this.#parts = new PartSet(segments.start)
    this.#world = {
      view,
      key: hashKeyOf(seed),
      parts: this.#parts,
      rows: new LogRows(log),
      writers: new Writers(view),
      segmentOf: (part) => segments.of(part.first).first,
      elapsedMs,
      rota: new Rota(elapsedMs),
      onDamaged: (part, reason) => {
        this.#parts.remove(part)
        onDamaged(part.first, reason)
      },
    }
  }

  static async open(
    log: string,
    index: string,
    view: LogView,
    seed: Uint8Array,
    onDamaged: (first: number, reason: string) => void,
  ): Promise<Answering> {
    const segments = new Segments(log)
    await segments.refresh(view.head().minimum)
    return new Answering(log, index, view, segments, seed, onDamaged)
  }

  /** A part that is there. @throws PartDamaged */
  async addPart(first: number): Promise<void> {
    const name = partName(first)
    const source = openPartFile(join(this.#index, name))
    try {
      const part = Part.open(name, source, this.#cache)
      await this.#follow(part.end)
      this.#parts.addFile(part)
    } catch (error) {
      source.close()
      throw error
    }
  }

  /** A group that is there. @throws PartDamaged */
  addGroup(first: number): void {
    this.#parts.addGroup(openGroupFile(this.#index, first, this.#seed))
  }

  async addPiece(bytes: Uint8Array): Promise<void> {
    this.#pieceNumber += 1
    const piece = Part.open(`piece ${this.#pieceNumber}`, partInMemory(bytes), this.#cache)
    await this.#follow(piece.end)
    this.#parts.addPiece(piece)
  }

  /** Who builds follows the log by itself, and may be ahead of the view here: what is indexed must be readable. */
  async #follow(end: number): Promise<void> {
    const { view } = this.#world
    if (view.head().size < end) {
      await new Promise<void>((resolve) => {
        const stop = view.onHead(({ size }) => {
          if (size < end) return
          stop()
          resolve()
        })
      })
    }
    await this.#refreshSegments()
  }

  /** A segment may have begun since. */
  async #refreshSegments(): Promise<void> {
    const { segment, minimum } = this.#world.view.head()
    if (segment > this.#segments.newest) await this.#segments.refresh(minimum)
  }

  /** The log begins at `minimum` now. */
  async prune(minimum: number): Promise<void> {
    await this.#segments.refresh(minimum)
    this.#parts.prune(minimum)
    this.#world.rows.forget(minimum)
  }

  reset(seed: Uint8Array): void {
    this.#parts.clear()
    this.#seed = seed
    this.#world.key = hashKeyOf(seed)
  }

  state(): Omit<IndexState, "building"> {
    const { files, pieces, end } = this.#parts
    const sum = (bytes: number, part: Part): number => bytes + part.bytes
    return {
      indexed: end,
      parts: files.length,
      pieces: pieces.length,
      bytes: files.reduce(sum, this.#parts.groupBytes),
      memoryBytes: pieces.reduce(sum, 0),
    }
  }

  search(question: IndexQuestion): Promise<IndexAnswer> {
    return search(this.#world, question)
  }

  histogram(question: HistogramQuestion): Promise<Histogram> {
    return histogram(this.#world, question)
  }

  facets(question: FacetsQuestion): Promise<Facets> {
    return facets(this.#world, question)
  }

  values(field: FacetField, begun: string, top: number): Promise<readonly ValueCount[]> {
    return values(this.#world, field, begun, top)
  }

  close(): void {
    this.#parts.clear()
    this.#world.rows.close()
  }
}
