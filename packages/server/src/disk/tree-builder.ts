import { assert } from "@postern/log/base"
import { type Core, createCore } from "@postern/log/core"
import { openRange } from "@postern/log/tlog"
import { slotBytesMax } from "./slot.ts"

/** The most entries of one slot. */
export const slotEntriesMax = 32_768
const peaksBytes = 64 * 32

/**
 * Re-derives the tree from records, slot by slot, in a core of its own: what recovery and verification rest on.
 */
export class TreeBuilder {
  readonly core: Core
  readonly #records: number
  readonly #leaves: number
  readonly #levels: number
  readonly #frontier: number
  readonly #root: number
  #size: number
  /** Tree size before the last `add`. */
  #before: number

  constructor(size: number, frontier: Uint8Array) {
    this.core = createCore({ memoryBytes: 14 * 1024 * 1024, leavesMax: slotEntriesMax })
    this.#records = this.core.reserve(slotBytesMax)
    this.#leaves = this.core.reserve(slotEntriesMax * 8)
    this.#levels = this.core.reserve(this.core.levelsBytes)
    this.#frontier = this.core.reserve(peaksBytes)
    this.#root = this.core.reserve(32)
    this.#size = size
    this.#before = size
    this.core.memory.set(frontier, this.#frontier)
  }

  get size(): number {
    return this.#size
  }

  /** The peaks, 64 x 32 bytes by level. */
  frontier(): Uint8Array {
    return this.core.memory.slice(this.#frontier, this.#frontier + peaksBytes)
  }

  /** Grows the tree by a slot's records. Returns how many entries, or undefined if the lengths do not add up. */
  add(records: Uint8Array): number | undefined {
    const { core } = this
    const list = new DataView(core.memory.buffer, core.memory.byteOffset + this.#leaves)
    core.memory.set(records, this.#records)
    let count = 0
    let at = 0
    while (at + 2 <= records.length) {
      const length = ((records[at] ?? 0) << 8) | (records[at + 1] ?? 0)
      if (at + 2 + length > records.length || count === slotEntriesMax) return undefined
      list.setUint32(count * 8, this.#records + at + 2, true)
      list.setUint32(count * 8 + 4, length, true)
      core.memory[this.#records + at + 1] = 0 // The 0x00 of leaf hashing stands before the leaf.
      count += 1
      at += 2 + length
    }
    if (at !== records.length) return undefined
    core.hashLeaves(this.#leaves, 0, count, core.levelStart(this.#levels, 0))
    core.grow(this.#levels, count, this.#size, this.#frontier)
    this.#before = this.#size
    this.#size += count
    return count
  }

  /** Grows the tree by leaf hashes alone, 1 to `slotEntriesMax` of 32 bytes each. */
  addHashes(hashes: Uint8Array): void {
    const { core } = this
    const count = hashes.length / 32
    assert(Number.isInteger(count) && count > 0 && count <= slotEntriesMax, "whole hashes")
    core.memory.set(hashes, core.levelStart(this.#levels, 0))
    core.grow(this.#levels, count, this.#size, this.#frontier)
    this.#before = this.#size
    this.#size += count
  }

  /** Begins again at another place. */
  restart(size: number, frontier: Uint8Array): void {
    this.#size = size
    this.#before = size
    this.core.memory.set(frontier, this.#frontier)
  }

  /** A full node that the last `add` completed; the caller asks only for those that lie wholly in it. */
  nodeAt(level: number, i: number): Uint8Array {
    const at =
      this.core.levelStart(this.#levels, level) + 32 * (i - Math.floor(this.#before / 2 ** level))
    return this.core.memory.slice(at, at + 32)
  }

  /** Range root (docs/spec/log.md, Tree) of the entries of the last `add`, of which there was one at least. */
  rangeRoot(): Uint8Array {
    return openRange(this.#before, this.#size, (level, i) => this.nodeAt(level, i)).root()
  }

  root(): Uint8Array {
    this.core.root(this.#frontier, this.#size, this.#root)
    return this.core.memory.slice(this.#root, this.#root + 32)
  }

  /** The full nodes of tree level 8 * L that the last `add` completed: [first node index, hashes]. View into the core. */
  completed(tileLevel: number): { from: number; hashes: Uint8Array } {
    return completedNodes(this.core, this.#levels, this.#before, this.#size, tileLevel)
  }
}

/** Nodes of tile level L that stand in a levels region after a `grow` from size `before` to `after`. */
export function completedNodes(
  core: Core,
  levels: number,
  before: number,
  after: number,
  tileLevel: number,
): { from: number; hashes: Uint8Array } {
  const width = 256 ** tileLevel
  const from = Math.floor(before / width)
  const to = Math.floor(after / width)
  assert(to >= from, "a tree never shrinks")
  if (to === from) return { from, hashes: new Uint8Array(0) }
  const start = core.levelStart(levels, 8 * tileLevel)
  return { from, hashes: core.memory.subarray(start, start + 32 * (to - from)) }
}
