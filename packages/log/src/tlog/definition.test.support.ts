/**
 * RFC 6962 §2.1 and the range roots of docs/spec/log.md, word for word and slowly, to compare with.
 * Not shipped.
 */
import { concatBytes, encodeUtf8, formatHex, sha256 } from "../base/index.ts"
import type { ReadHashes } from "./index.ts"

export function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(Uint8Array.of(1), left, right))
}

/** Distinct leaf hashes for tests. */
export function leaves(count: number, tag = "leaf"): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => sha256(encodeUtf8(`\0${tag} ${i}`)))
}

function split(n: number): number {
  return 2 ** Math.ceil(Math.log2(n) - 1)
}

/** Merkle tree hashes of all subtrees of one list of leaf hashes, each computed once. */
export function treeOf(all: readonly Uint8Array[]) {
  const memo = new Map<string, Uint8Array>()
  const mth = (from: number, to: number): Uint8Array => {
    if (from === to) return sha256(new Uint8Array())
    if (to - from === 1) return all[from] as Uint8Array
    const key = `${from},${to}`
    const known = memo.get(key)
    if (known !== undefined) return known
    const k = split(to - from)
    const hash = node(mth(from, from + k), mth(from + k, to))
    memo.set(key, hash)
    return hash
  }
  const path = (m: number, from: number, to: number): Uint8Array[] => {
    if (to - from === 1) return []
    const k = split(to - from)
    return m < k
      ? [...path(m, from, from + k), mth(from + k, to)]
      : [...path(m - k, from + k, to), mth(from, from + k)]
  }
  const subproof = (m: number, from: number, to: number, whole: boolean): Uint8Array[] => {
    if (m === to - from) return whole ? [] : [mth(from, to)]
    const k = split(to - from)
    return m <= k
      ? [...subproof(m, from, from + k, whole), mth(from + k, to)]
      : [...subproof(m - k, from + k, to, false), mth(from, from + k)]
  }
  return {
    root: (n: number) => mth(0, n),
    inclusion: (i: number, n: number) => path(i, 0, n),
    consistency: (m: number, n: number) => (m === 0 ? [] : subproof(m, 0, n, true)),
    nodeAt: (level: number, i: number) => mth(i * 2 ** level, (i + 1) * 2 ** level),
    /**
     * Reads of the tree of n leaves; refuses what is not there, or more than a tile, or over its
     * border.
     */
    read: (n: number): ReadHashes => {
      return (level, from, to) => {
        const unit = 256 ** level
        const oneTile = Math.floor(from / 256) === Math.floor((to - 1) / 256)
        if (from >= to || to * unit > n || !oneTile) throw new Error(`read ${level} ${from} ${to}`)
        const row: Uint8Array[] = []
        for (let i = from; i < to; i++) row.push(mth(i * unit, (i + 1) * unit))
        return concatBytes(...row)
      }
    },
  }
}

/** R(level, i) over `[s, e)`, and the range path of `[a, b)`: the recursion of docs/spec/log.md. */
export function rangesOf(hash: (index: number) => Uint8Array, s: number, e: number) {
  const part = (level: number, i: number): Uint8Array | undefined => {
    if ((i + 1) * 2 ** level <= s || i * 2 ** level >= e) return undefined
    if (level === 0) return hash(i)
    const left = part(level - 1, 2 * i)
    const right = part(level - 1, 2 * i + 1)
    return left && right ? node(left, right) : (left ?? right)
  }
  const top = Math.ceil(Math.log2(e))
  const path = (a: number, b: number): Uint8Array[] => {
    const walk = (level: number, i: number): Uint8Array[] => {
      const meets = (from: number, to: number) => i * 2 ** level < to && (i + 1) * 2 ** level > from
      if (!meets(s, e)) return []
      if (!meets(a, b)) return [part(level, i) as Uint8Array]
      return level === 0 ? [] : [...walk(level - 1, 2 * i), ...walk(level - 1, 2 * i + 1)]
    }
    return walk(top, 0)
  }
  return { root: part(top, 0) as Uint8Array, path }
}

export function hex(hashes: readonly Uint8Array[]): string[] {
  return hashes.map(formatHex)
}

/** Each way to spoil a proof a little, named. */
export function* spoiled(proof: readonly Uint8Array[]): Generator<[string, Uint8Array[]]> {
  const extra = sha256(encodeUtf8("extra"))
  for (const [i, hash] of proof.entries()) {
    const flipped = Uint8Array.from(hash)
    flipped[i % 32] = 255 - (flipped[i % 32] as number)
    yield [`hash ${i} flipped`, proof.with(i, flipped)]
    yield [`hash ${i} dropped`, proof.toSpliced(i, 1)]
    yield [`hash ${i} doubled`, proof.toSpliced(i, 0, hash)]
    yield [`hash ${i} too short`, proof.with(i, hash.subarray(1))]
    yield [`hash ${i} too long`, proof.with(i, concatBytes(hash, Uint8Array.of(0)))]
    yield [`hash ${i} empty`, proof.with(i, new Uint8Array())]
    if (i > 0) {
      const before = proof[i - 1] as Uint8Array
      yield [`hash ${i} swapped`, proof.with(i, before).with(i - 1, hash)]
    }
  }
  yield ["one in front", [extra, ...proof]]
  yield ["one behind", [...proof, extra]]
}
