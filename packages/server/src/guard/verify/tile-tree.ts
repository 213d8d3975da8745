import { assert } from "@postern/log/base"
import { hashBytes, rangeRoot, tileWidthMax, treeRoot } from "@postern/log/tlog"

/** A tile whose hashes are known now: as many as the tree has there, 256 in all but the last one of a level. */
export interface KnownTile {
  readonly level: number
  readonly index: number
  /** A view that holds until the next `push`. */
  readonly hashes: Uint8Array
}

interface Level {
  readonly hashes: Uint8Array
  count: number
  tiles: number
}

/**
 * The tree over leaf hashes that come tile by tile. Keeps the unfinished tile of each level, so a log of any size takes
 * a few kilobytes.
 */
export class TileTree {
  readonly #levels: Level[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /**
   * Adds the leaf hashes of the next tile of level 0; after one that is not full nothing may follow. Gives the tiles of
   * the levels above that are full with it.
   */
  push(leafHashes: Uint8Array): KnownTile[] {
    const count = leafHashes.length / hashBytes
    assert(this.#size % tileWidthMax === 0 && count <= tileWidthMax, "leaf hashes come by tiles")
    this.#size += count
    const full: KnownTile[] = []
    if (count < tileWidthMax) this.#level(0).hashes.set(leafHashes)
    this.#level(0).count = count % tileWidthMax
    if (count === tileWidthMax) this.#raise(1, rangeRoot(0, leafHashes), full)
    return full
  }

  /** Above level 0, the tiles at the right edge that are not full. */
  edge(): KnownTile[] {
    return this.#levels.flatMap(({ count, tiles, hashes }, level) => {
      const known = hashes.subarray(0, count * hashBytes)
      return level === 0 || count === 0 ? [] : [{ level, index: tiles, hashes: known }]
    })
  }

  root(): Promise<Uint8Array> {
    return this.rootWith(new Uint8Array(0))
  }

  /** The root of the tree that ends within the next tile of level 0, after these leaf hashes of it. */
  rootWith(leafHashes: Uint8Array): Promise<Uint8Array> {
    const more = leafHashes.length / hashBytes
    return treeRoot(this.#size + more, (level, from, to) => {
      const hashes = level === 0 && more > 0 ? leafHashes : this.#level(level).hashes
      const at = (from % tileWidthMax) * hashBytes
      // Full nodes of the tree: all of them lie in the unfinished tiles.
      return hashes.slice(at, at + (to - from) * hashBytes)
    })
  }

  #raise(level: number, hash: Uint8Array, full: KnownTile[]): void {
    const above = this.#level(level)
    above.hashes.set(hash, above.count * hashBytes)
    above.count += 1
    if (above.count < tileWidthMax) return
    full.push({ level, index: above.tiles, hashes: above.hashes.slice() })
    above.tiles += 1
    above.count = 0
    this.#raise(level + 1, rangeRoot(0, above.hashes), full)
  }

  #level(level: number): Level {
    for (let i = this.#levels.length; i <= level; i++) {
      this.#levels.push({ hashes: new Uint8Array(tileWidthMax * hashBytes), count: 0, tiles: 0 })
    }
    return this.#levels[level] as Level
  }
}
