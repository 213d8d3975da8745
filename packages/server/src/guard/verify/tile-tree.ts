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

  /**
   * A tree that goes on from what `frontier` gave at this size, a multiple of 256; undefined if these cannot be its hashes.
   * That they are the right ones only a root can say.
   */
  static resume(size: number, frontier: readonly Uint8Array[]): TileTree | undefined {
    if (!Number.isSafeInteger(size) || size < 0 || size % tileWidthMax !== 0) return undefined
    const tree = new TileTree()
    tree.#size = size
    for (let level = 1, nodes = size / tileWidthMax; nodes > 0; level++) {
      const hashes = frontier[level - 1]
      const count = nodes % tileWidthMax
      if (hashes?.length !== count * hashBytes) return undefined
      tree.#level(level).hashes.set(hashes)
      tree.#level(level).count = count
      nodes = Math.floor(nodes / tileWidthMax)
      tree.#level(level).tiles = nodes
    }
    return frontier.length === Math.max(0, tree.#levels.length - 1) ? tree : undefined
  }

  get size(): number {
    return this.#size
  }

  /** The hashes of the unfinished tile of each level above the bottom, as copies: all there is to go on from. */
  frontier(): Uint8Array[] {
    assert(this.#size % tileWidthMax === 0, "a tree goes on after a full tile only")
    const above = this.#levels.slice(1)
    return above.map(({ hashes, count }) => hashes.slice(0, count * hashBytes))
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
