import { equalBytes, formatBase64 } from "@postern/log/base"
import { emptyRoot, leafHash, nodeHash } from "@postern/log/tlog"

/** What the port said that it placed: a slot's leaves, whether or not they came to be durable. */
export interface PlannedSlot {
  readonly first: number
  readonly leaves: readonly Uint8Array[]
}

/**
 * What must be true of the log, kept outside of it: every leaf that was placed, how much of that was promised to
 * somebody, every size that was signed. Collects faults instead of throwing.
 */
export class Model {
  readonly faults: string[] = []
  readonly leaves: Uint8Array[] = []
  /** Where slots end, ascending; the log may end there and nowhere else. */
  #ends: number[] = [0]
  /** Entries that were acknowledged, shown or signed. */
  promised = 0
  acknowledged = 0
  /** Base64 roots by size. */
  readonly signed = new Map<number, string>()
  /** Full nodes of the tree by level: a node for each 2, 4, 8 … leaves. */
  readonly #nodes: Uint8Array[][] = []

  fault(what: string): void {
    if (this.faults.length < 20) this.faults.push(what)
  }

  planned({ first, leaves }: PlannedSlot): void {
    const known = this.#ends.at(-1) ?? 0
    if (first !== known) {
      // The same plan again after a full disk.
      if (this.#isLast(first, leaves)) return
      return this.fault(`a slot begins at ${first}, the one before ended at ${known}`)
    }
    for (const leaf of leaves) {
      this.leaves.push(leaf)
      this.#grow(0, leafHash(leaf))
    }
    this.#ends.push(this.leaves.length)
  }

  #isLast(first: number, leaves: readonly Uint8Array[]): boolean {
    const before = this.#ends.at(-2)
    if (before !== first || first + leaves.length !== this.leaves.length) return false
    return leaves.every((leaf, i) => equalBytes(leaf, this.leaves[first + i] ?? leaf))
  }

  promise(size: number): void {
    if (size > this.leaves.length) this.fault(`${size} entries were promised and never placed`)
    this.promised = Math.max(this.promised, size)
  }

  sign(size: number, root: Uint8Array): void {
    const text = formatBase64(root)
    const known = this.signed.get(size)
    if (known !== undefined && known !== text) this.fault(`two roots were signed at size ${size}`)
    if (text !== formatBase64(this.root(size))) this.fault(`a wrong root was signed at ${size}`)
    for (const larger of this.signed.keys()) {
      if (larger > size) this.fault(`${size} was signed after ${larger}`)
    }
    this.signed.set(size, text)
    this.promise(size)
  }

  /** A life ended; the next one found this many entries. */
  recovered(size: number, root: Uint8Array): void {
    if (size < this.promised) this.fault(`${size} entries are left of ${this.promised} promised`)
    if (!this.#ends.includes(size)) this.fault(`the log ends within a slot, at ${size}`)
    if (size > this.leaves.length) return
    this.leaves.length = size
    for (const [level, nodes] of this.#nodes.entries()) {
      nodes.length = Math.min(nodes.length, Math.floor(size / 2 ** level))
    }
    this.#ends = this.#ends.filter((end) => end <= size)
    if (!equalBytes(root, this.root(size))) this.fault(`another root at ${size} entries`)
    for (const [at, text] of this.signed) {
      const now = at > size ? "nothing" : formatBase64(this.root(at))
      if (now !== text) this.fault(`the root at the signed size ${at} is not what it was`)
    }
  }

  #grow(level: number, hash: Uint8Array): void {
    this.#nodes[level] ??= []
    const nodes = this.#nodes[level]
    nodes.push(hash)
    const left = nodes.at(-2)
    if (nodes.length % 2 === 0 && left !== undefined) this.#grow(level + 1, nodeHash(left, hash))
  }

  /** Root of the first `size` leaves: its full subtrees, joined from the smallest on. */
  root(size: number): Uint8Array {
    let root: Uint8Array | undefined
    for (let level = 0; 2 ** level <= size; level++) {
      const count = Math.floor(size / 2 ** level)
      const last = count % 2 === 1 ? this.#nodes[level]?.[count - 1] : undefined
      if (last !== undefined) root = root === undefined ? last : nodeHash(last, root)
    }
    return root ?? emptyRoot
  }

  /** Hashes `[from, to)` of a tile level. */
  nodes(level: number, from: number, to: number): Buffer {
    return Buffer.concat((this.#nodes[8 * level] ?? []).slice(from, to))
  }
}
