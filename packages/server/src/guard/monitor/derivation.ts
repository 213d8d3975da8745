import { concatBytes, equalBytes, formatBase64 } from "@postern/log/base"
import { type Checkpoint, hashBytes, leafHash, tileWidthMax } from "@postern/log/tlog"
import {
  type FetchedTile,
  type KnownTile,
  TileFetcher,
  type TileSource,
  TileTree,
} from "../verify/index.ts"

/** The tree of a checkpoint as this monitor derived it: enough to go on from. A few kilobytes at any size. */
export interface DerivedTree {
  readonly checkpoint: Checkpoint
  /** Entries under full tiles: a multiple of 256. */
  readonly size: number
  /** As TileTree.frontier gives it at `size`. */
  readonly frontier: readonly Uint8Array[]
  /** Leaf hashes behind `size`, up to the checkpoint's. */
  readonly rest: Uint8Array
}

export interface Derivation {
  /** Undefined if something is wrong. */
  readonly derived: DerivedTree | undefined
  /** What is wrong: the first few things. */
  readonly faults: readonly string[]
  readonly saw: "entries" | "hashes"
}

const faultsMax = 5

export interface DerivationOptions {
  /** Whether entry bundles are asked for, to hash them again. */
  readonly entries: boolean
  readonly progress?: (entries: number, of: number) => void
}

/**
 * Derives the tree of a checkpoint from the tiles, from where an earlier derivation ended: every leaf hash (from the entry
 * itself, where they are shown), every node, the root. Tiles come one after the other and are dropped. Errors: whatever
 * keeps the source from answering.
 */
export async function deriveTree(
  source: TileSource,
  from: DerivedTree | undefined,
  to: Checkpoint,
  options: DerivationOptions,
): Promise<Derivation> {
  const fetcher = new TileFetcher(source, to.size, options.entries)
  const growth = new Growth(fetcher, from)
  const first = growth.size / tileWidthMax
  for await (const tile of fetcher.bottom(first)) {
    await growth.add(tile)
    if (growth.faults.length >= faultsMax) break
    options.progress?.(Math.min(to.size, (tile.index + 1) * tileWidthMax), to.size)
  }
  const derived = await growth.finish(to)
  return { derived, faults: growth.faults, saw: fetcher.granted ? "entries" : "hashes" }
}

/** The derived tree again, if these hashes lead to the checkpoint's root; undefined for anything else. */
export async function checkDerived(derived: DerivedTree): Promise<DerivedTree | undefined> {
  const { checkpoint, size, frontier, rest } = derived
  const fits = size + rest.length / hashBytes === checkpoint.size
  const tree = TileTree.resume(size, frontier)
  if (tree === undefined || !fits || rest.length >= tileWidthMax * hashBytes) return undefined
  return equalBytes(await tree.rootWith(rest), checkpoint.root) ? derived : undefined
}

class Growth {
  readonly faults: string[] = []
  readonly #fetcher: TileFetcher
  readonly #tree: TileTree
  /** Leaf hashes that the next tile has to begin with. */
  #known: Uint8Array
  #rest: Uint8Array = new Uint8Array(0)

  constructor(fetcher: TileFetcher, from: DerivedTree | undefined) {
    this.#fetcher = fetcher
    const resumed = from === undefined ? undefined : TileTree.resume(from.size, from.frontier)
    this.#tree = resumed ?? new TileTree()
    this.#known = resumed === undefined ? new Uint8Array(0) : (from?.rest ?? new Uint8Array(0))
  }

  get size(): number {
    return this.#tree.size
  }

  async add(tile: FetchedTile): Promise<void> {
    const hashes = this.#leafHashes(tile)
    if (hashes === undefined || this.faults.length > 0) return
    const known = this.#known
    this.#known = new Uint8Array(0)
    if (!equalBytes(hashes.subarray(0, known.length), known)) {
      this.#fault(`tile 0/${tile.index} does not begin as it did before`)
      return
    }
    if (tile.width < tileWidthMax) {
      this.#rest = hashes
      return
    }
    for (const full of this.#tree.push(hashes)) await this.#compare(full)
  }

  async finish(checkpoint: Checkpoint): Promise<DerivedTree | undefined> {
    if (this.faults.length > 0) return undefined
    for (const edge of this.#tree.edge()) await this.#compare(edge)
    const root = await this.#tree.rootWith(this.#rest)
    if (!equalBytes(root, checkpoint.root)) {
      const signed = formatBase64(checkpoint.root)
      this.#fault(`the tiles lead to the root ${formatBase64(root)}, signed is ${signed}`)
    }
    if (this.faults.length > 0) return undefined
    const frontier = this.#tree.frontier()
    return { checkpoint, size: this.#tree.size, frontier, rest: this.#rest }
  }

  /** Those of the tile, which the entries must have; undefined if there is a fault. */
  #leafHashes({ index, width, hashes, entries }: FetchedTile): Uint8Array | undefined {
    if (hashes === undefined) {
      this.#fault(`there is no tile 0/${index} of ${width} hashes`)
      return undefined
    }
    if (entries === "not granted") return hashes
    if (entries === undefined) {
      this.#fault(`there is no bundle ${index} of ${width} entries`)
      return undefined
    }
    const computed = concatBytes(...entries.map(leafHash))
    const same = (i: number) =>
      equalBytes(
        computed.subarray(i * hashBytes, (i + 1) * hashBytes),
        hashes.subarray(i * hashBytes, (i + 1) * hashBytes),
      )
    const other = entries.findIndex((_, i) => !same(i))
    if (other < 0) return hashes
    this.#fault(`entry ${index * tileWidthMax + other} has not the leaf hash of its tile`)
    return undefined
  }

  async #compare({ level, index, hashes }: KnownTile): Promise<void> {
    const width = hashes.length / hashBytes
    const fetched = await this.#fetcher.hashTile(level, index, width)
    if (fetched === undefined) this.#fault(`there is no tile ${level}/${index} of ${width} hashes`)
    else if (!equalBytes(fetched, hashes)) {
      this.#fault(`tile ${level}/${index} is not what the tiles below lead to`)
    }
  }

  #fault(what: string): void {
    if (this.faults.length < faultsMax) this.faults.push(what)
  }
}
