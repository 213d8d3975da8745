/** The vectors of docs/spec/vectors, which another implementation made. */
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { concatBytes, encodeUtf8, formatHex, parseHex } from "../base/index.ts"
import { hex } from "./definition.test.support.ts"
import {
  checkConsistency,
  checkInclusion,
  checkRange,
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  nodeHash,
  type ReadHashes,
  rangePath,
  rangeRoot,
  treeRoot,
} from "./index.ts"

interface Inclusion {
  index: number
  size: number
  proof: string[]
}

interface Consistency {
  from: number
  to: number
  proof: string[]
}

interface Trees {
  emptyRoot: string
  reference: {
    leaves: string[]
    leafHashes: string[]
    roots: string[]
    inclusion: Inclusion[]
    consistency: Consistency[]
  }
  decimal: {
    roots: { size: number; root: string }[]
    inclusion: Inclusion[]
    consistency: Consistency[]
  }
}

interface Ranges {
  ranges: {
    first: number
    end: number
    root: string
    paths: { from: number; to: number; path: string[] }[]
  }[]
}

function vectors(name: string): unknown {
  const url = new URL(`../../../../docs/spec/vectors/${name}`, import.meta.url)
  return JSON.parse(readFileSync(url, "utf8"))
}

function bytes(text: string): Uint8Array {
  const parsed = parseHex(text)
  if (parsed === undefined) throw new Error(`not hexadecimal: ${text}`)
  return parsed
}

/** Reads out of tile rows: row L holds the full nodes of tree level 8 L. */
function readOf(leafHashes: readonly Uint8Array[]): ReadHashes {
  const rows = [leafHashes]
  for (let row = leafHashes; row.length >= 256; rows.push(row)) {
    for (let level = 0; level < 8; level++) {
      const pairs = Array.from({ length: Math.floor(row.length / 2) }, (_, i) => 2 * i)
      const below = row
      row = pairs.map((i) => nodeHash(below[i] as Uint8Array, below[i + 1] as Uint8Array))
    }
  }
  return (level, from, to) => concatBytes(...(rows[level] ?? []).slice(from, to))
}

const { emptyRoot: rootOfNothing, reference, decimal } = vectors("trees.json") as Trees

test("the empty root is the one of the vectors", () => {
  expect(formatHex(emptyRoot)).toBe(rootOfNothing)
})

describe("the eight reference leaves", () => {
  const leafHashes = reference.leaves.map((leaf) => leafHash(bytes(leaf)))
  const read = readOf(leafHashes)

  test("have the leaf hashes and roots", async () => {
    expect(hex(leafHashes)).toEqual(reference.leafHashes)
    for (const [size, root] of reference.roots.entries()) {
      expect(formatHex(await treeRoot(size, read))).toBe(root)
    }
  })

  test("have the proofs", async () => {
    const rootAt = (size: number) => bytes(reference.roots[size] ?? "")
    for (const { index, size, proof } of reference.inclusion) {
      expect(hex(await inclusionProof(index, size, read))).toEqual(proof)
      const leaf = leafHashes[index] as Uint8Array
      checkInclusion(index, size, leaf, proof.map(bytes), rootAt(size))
    }
    for (const { from, to, proof } of reference.consistency) {
      expect(hex(await consistencyProof(from, to, read))).toEqual(proof)
      checkConsistency(from, to, proof.map(bytes), rootAt(from), rootAt(to))
    }
  })
})

const decimalLeaf = (i: number) => leafHash(encodeUtf8(String(i)))

describe("the tree of 70,000 decimal leaves", () => {
  const leafHashes = Array.from({ length: 70_000 }, (_, i) => decimalLeaf(i))
  const read = readOf(leafHashes)

  test("has the roots", async () => {
    for (const { size, root } of decimal.roots) {
      expect(formatHex(await treeRoot(size, read))).toBe(root)
    }
  })

  test("has the proofs", async () => {
    for (const { index, size, proof } of decimal.inclusion) {
      expect(hex(await inclusionProof(index, size, read))).toEqual(proof)
      const leaf = leafHashes[index] as Uint8Array
      checkInclusion(index, size, leaf, proof.map(bytes), await treeRoot(size, read))
    }
    for (const { from, to, proof } of decimal.consistency) {
      expect(hex(await consistencyProof(from, to, read))).toEqual(proof)
      const [old, now] = [await treeRoot(from, read), await treeRoot(to, read)]
      checkConsistency(from, to, proof.map(bytes), old, now)
    }
  })
})

describe("range roots and paths", () => {
  const { ranges } = vectors("range-roots.json") as Ranges

  test.each(ranges)("[$first, $end)", ({ first, end, root, paths }) => {
    const row = (from: number, to: number) =>
      concatBytes(...Array.from({ length: to - from }, (_, i) => decimalLeaf(from + i)))
    expect(formatHex(rangeRoot(first, row(first, end)))).toBe(root)
    const nodeAt = (level: number, i: number) =>
      rangeRoot(i * 2 ** level, row(i * 2 ** level, (i + 1) * 2 ** level))
    for (const { from, to, path } of paths) {
      expect(hex(rangePath(from, to, first, end, nodeAt))).toEqual(path)
      checkRange(from, to, first, end, row(from, to), path.map(bytes), bytes(root))
    }
  })
})
