import { assert, equalBytes } from "../base/index.ts"
import { demandProof } from "./demand.ts"
import { hashAt, hashBytes, nodeHash } from "./hash.ts"

/**
 * Range root of `[first, first + count)` from its leaf hashes, 32 bytes each, concatenated
 * (docs/spec/log.md, Tree). Costs count - 1 node hashes. With first = 0 it is the RFC 6962 tree
 * hash.
 * @param leafHashes at least one hash; not changed, not kept
 */
export function rangeRoot(first: number, leafHashes: Uint8Array): Uint8Array {
  let count = leafHashes.length / hashBytes
  assert(Number.isInteger(count) && count > 0, "a range root needs one or more 32-byte hashes")
  assert(isRange(first, first + count), "a range lies within the indexes")
  const row = new Uint8Array(leafHashes)
  let at = first
  while (count > 1) {
    // Whoever stands on the far side of the border has no sibling in the range and goes up as it
    // is.
    let read = at % 2
    let write = read
    for (; read + 1 < count; read += 2, write++) {
      row.set(nodeHash(hashAt(row, read), hashAt(row, read + 1)), hashBytes * write)
    }
    if (read < count) row.set(hashAt(row, read), hashBytes * write++)
    count = write
    at = Math.floor(at / 2)
  }
  return row.slice(0, hashBytes)
}

/** Hash of the full node `[i * 2^level, (i + 1) * 2^level)`, 32 bytes. */
export type NodeAt = (level: number, i: number) => Uint8Array

/** What is known of one range: its root, and the path of anything in it. */
export interface Range {
  root(): Uint8Array
  /** @param a `s <= a < b <= e` */
  path(a: number, b: number): Uint8Array[]
}

/**
 * The range `[s, e)` over full nodes. Nodes at its two ends, which are not full, are hashed once however
 * many paths are asked for. Paths are in the order of docs/spec/log.md; `nodeAt` is asked only for full
 * nodes that lie wholly in the range and, for a path, outside `[a, b)`. The hashes are those that it gave, or new ones.
 * @param s, e `s < e`, below 2^53
 */
export function openRange(s: number, e: number, nodeAt: NodeAt): Range {
  assert(isRange(s, e), "a range needs s < e")
  /** By level and number: at most two nodes of a level reach over an end of the range. */
  const ends = widths.map(() => new Map<number, Uint8Array>())
  const partOf = (level: number, i: number): Uint8Array => {
    const [from, to] = interval(level, i)
    if (s <= from && to <= e) return nodeAt(level, i)
    const known = ends[level]?.get(i)
    if (known !== undefined) return known
    const joined = joinParts(level, i, s, e, partOf)
    ends[level]?.set(i, joined)
    return joined
  }
  return {
    root: () => partOf(topLevel(e), 0),
    path(a, b) {
      assert(isRange(a, b) && s <= a && b <= e, "a range path needs s <= a < b <= e")
      return outsideParts(a, b, s, e).map(([level, i]) => partOf(level, i))
    },
  }
}

/** One range path of `[a, b)` in `[s, e)`; whoever needs several opens the range. */
export function rangePath(
  a: number,
  b: number,
  s: number,
  e: number,
  nodeAt: NodeAt,
): Uint8Array[] {
  return openRange(s, e, nodeAt).path(a, b)
}

/**
 * The range path of `[from, to)` in `[s, e)`, made from a checked path of the wider `[a, b)` and
 * its leaf hashes: so one who was given the path of a batch can prove a single entry of it.
 * @param path a path with which rootFromRange gave the right root
 */
export function narrowRangePath(
  range: { readonly a: number; readonly b: number; readonly s: number; readonly e: number },
  leafHashes: Uint8Array,
  path: readonly Uint8Array[],
  from: number,
  to: number,
): Uint8Array[] {
  const { a, b, s, e } = range
  assert(isRange(from, to) && a <= from && to <= b, "the narrower range lies in the wider one")
  const partOf = knownParts(a, b, s, e, leafHashes, path)
  return outsideParts(from, to, s, e).map(([level, i]) => partOf(level, i))
}

/**
 * The range root of `[s, e)` that leaf hashes of `[a, b)` (concatenated) and a range path lead to.
 * Every argument may come from an enemy; compare what comes out with a signed root.
 * @throws PosternError PROOF_INVALID unless `s <= a < b <= e`, the hashes are as many as `[a, b)`,
 *   and each hash of the path has 32 bytes and is used exactly once
 */
export function rootFromRange(
  a: number,
  b: number,
  s: number,
  e: number,
  leafHashes: Uint8Array,
  path: readonly Uint8Array[],
): Uint8Array {
  const nested = isRange(s, e) && isRange(a, b) && s <= a && b <= e
  demandProof(nested, `[${a}, ${b}) is not a range in [${s}, ${e})`)
  demandProof(
    leafHashes.length === hashBytes * (b - a),
    `not ${b - a} leaf hashes for [${a}, ${b})`,
  )
  demandProof(
    path.every((hash) => hash.length === hashBytes),
    "a path hash has not 32 bytes",
  )
  const partOf = knownParts(a, b, s, e, leafHashes, path)
  return partOf(topLevel(e), 0)
}

/**
 * Checks that leaf hashes and path lead to this range root of `[s, e)`.
 * @throws PosternError PROOF_INVALID, as rootFromRange, or because the root is another one
 */
export function checkRange(
  a: number,
  b: number,
  s: number,
  e: number,
  leafHashes: Uint8Array,
  path: readonly Uint8Array[],
  root: Uint8Array,
): void {
  const found = rootFromRange(a, b, s, e, leafHashes, path)
  demandProof(
    equalBytes(found, root),
    `[${a}, ${b}) is not in the range [${s}, ${e}) with this root`,
  )
}

/** R(level, i) of docs/spec/log.md, for intervals that meet the range. */
type PartOf = (level: number, i: number) => Uint8Array

/**
 * R for one who knows the leaf hashes of `[a, b)` and the path of it. Throws unless the path has
 * just the right length.
 */
function knownParts(
  a: number,
  b: number,
  s: number,
  e: number,
  leafHashes: Uint8Array,
  path: readonly Uint8Array[],
): PartOf {
  const outside = outsideParts(a, b, s, e)
  demandProof(path.length === outside.length, `${path.length} path hashes, not ${outside.length}`)
  const given = new Map<string, Uint8Array>()
  for (const [at, [level, i]] of outside.entries())
    given.set(`${level}/${i}`, path[at] as Uint8Array)
  const partOf: PartOf = (level, i) => {
    const fromPath = given.get(`${level}/${i}`)
    if (fromPath !== undefined) return fromPath
    const [from, to] = interval(level, i)
    if (a <= from && to <= b) {
      const own = leafHashes.subarray(hashBytes * (from - a), hashBytes * (to - a))
      return rangeRoot(from, own)
    }
    return joinParts(level, i, s, e, partOf)
  }
  return partOf
}

/** R(level, i) from the R of its two halves, of which one may be nothing. */
function joinParts(level: number, i: number, s: number, e: number, partOf: PartOf): Uint8Array {
  assert(level > 0, "a leaf of the range is known")
  const [from, to] = interval(level, i)
  const middle = (from + to) / 2
  if (e <= middle) return partOf(level - 1, 2 * i)
  if (s >= middle) return partOf(level - 1, 2 * i + 1)
  return nodeHash(partOf(level - 1, 2 * i), partOf(level - 1, 2 * i + 1))
}

/**
 * Level and number of each largest interval that meets `[s, e)` but not `[a, b)`, from the left.
 */
function outsideParts(a: number, b: number, s: number, e: number): [level: number, i: number][] {
  const parts: [number, number][] = []
  const walk = (level: number, i: number): void => {
    const [from, to] = interval(level, i)
    if (to <= s || e <= from) return
    if (to <= a || b <= from) {
      parts.push([level, i])
    } else if (from < a || b < to) {
      walk(level - 1, 2 * i)
      walk(level - 1, 2 * i + 1)
    }
  }
  walk(topLevel(e), 0)
  return parts
}

/** Widths of the levels: looked up, since a power costs as much as hashing a few bytes. */
const widths = Array.from({ length: 54 }, (_, level) => 2 ** level)

/** The lowest level whose interval 0 holds `[0, e)`; it is at most 53. */
function topLevel(e: number): number {
  return widths.findIndex((width) => width >= e)
}

function interval(level: number, i: number): [from: number, to: number] {
  const width = widths[level] as number
  return [i * width, (i + 1) * width]
}

function isRange(from: number, to: number): boolean {
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from < to
}
