import { type ErrorCode, isPosternError } from "@postern/log/base"
import {
  decodeEntryBundle,
  hashBytes,
  type Tile,
  tilePath,
  tileWidth,
  tileWidthMax,
} from "@postern/log/tlog"
import type { TileSource } from "./tile-source.ts"

/** Tiles of level 0, with their bundles, that are asked for at a time. */
const ahead = 16

/** What stands at the bottom of the tree; undefined is what is missing or has not the right number. */
export interface FetchedTile {
  readonly index: number
  readonly width: number
  readonly hashes: Uint8Array | undefined
  readonly entries: readonly Uint8Array[] | undefined | "not granted"
}

/** Fetches the tiles of a tree of a given size, several at a time, and cuts them to it. */
export class TileFetcher {
  readonly #source: TileSource
  readonly #size: number
  #granted = true

  /** @param granted whether bundles are asked for at all */
  constructor(source: TileSource, size: number, granted = true) {
    this.#source = source
    this.#size = size
    this.#granted = granted
  }

  /** Finds out whether this reader may see entries. */
  async look(): Promise<"entries" | "hashes"> {
    if (!this.#granted) return "hashes"
    if (this.#size === 0) return "entries"
    const width = tileWidth("entries", 0, this.#size)
    await this.#fetch({ level: "entries", index: 0, width })
    return this.#granted ? "entries" : "hashes"
  }

  /** Whether this reader may see entries, as far as the source has shown. */
  get granted(): boolean {
    return this.#granted
  }

  /** Tiles of level 0 and entry bundles, from the tile of this number to the last one. */
  async *bottom(first = 0): AsyncGenerator<FetchedTile> {
    const count = Math.ceil(this.#size / tileWidthMax)
    const asked: Promise<FetchedTile>[] = []
    for (let index = first; index < count + ahead; index++) {
      if (index < count) {
        const fetched = this.#bottomTile(index)
        // It is awaited later; when one before it fails, nobody may come to it.
        fetched.catch(() => undefined)
        asked.push(fetched)
      }
      if (index < first + ahead - 1) continue
      const next = asked.shift()
      if (next === undefined) return
      yield await next
    }
  }

  /** The first `width` hashes of a tile; undefined if there are not so many. */
  async hashTile(level: number, index: number, width: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#cut({ level, index, width }, (tile) => {
      return tile.length >= width * hashBytes ? tile.subarray(0, width * hashBytes) : undefined
    })
    return bytes === undefined ? undefined : new Uint8Array(bytes)
  }

  async #bottomTile(index: number): Promise<FetchedTile> {
    const width = tileWidth(0, index, this.#size)
    const bundle = this.#granted ? this.#bundle(index, width) : ("not granted" as const)
    const [hashes, entries] = await Promise.all([this.hashTile(0, index, width), bundle])
    // The grant may be taken away meanwhile.
    return { index, width, hashes, entries: this.#granted ? entries : "not granted" }
  }

  #bundle(index: number, width: number): Promise<Uint8Array[] | undefined> {
    return this.#cut({ level: "entries", index, width }, (bundle) => {
      try {
        const entries = decodeEntryBundle(bundle)
        return entries.length >= width ? entries.slice(0, width) : undefined
      } catch (error) {
        if (!isPosternError(error)) throw error
        return undefined
      }
    })
  }

  /** A partial tile may be gone once the full one is there (tlog-tiles): then that one is cut. */
  async #cut<T>(tile: Tile, cut: (bytes: Uint8Array) => T | undefined): Promise<T | undefined> {
    const exact = await this.#fetch(tile)
    if (typeof exact !== "string") return cut(exact)
    const full =
      tile.width < tileWidthMax ? await this.#fetch({ ...tile, width: tileWidthMax }) : exact
    return typeof full === "string" ? undefined : cut(full)
  }

  async #fetch(tile: Tile): Promise<Uint8Array | ErrorCode> {
    try {
      return await this.#source.tile(tilePath(tile))
    } catch (error) {
      if (!isPosternError(error)) throw error
      const hidden = error.code === "NOT_GRANTED" && tile.level === "entries"
      if (hidden) this.#granted = false
      if (error.code === "NOT_FOUND" || error.code === "ENTRY_PRUNED" || hidden) return error.code
      throw error
    }
  }
}
