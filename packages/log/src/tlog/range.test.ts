import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { concatBytes, formatHex, isPosternError, sha256 } from "../base/index.ts"
import { hex, leaves, node, rangesOf, spoiled, treeOf } from "./definition.test.support.ts"
import {
  checkRange,
  type NodeAt,
  narrowRangePath,
  openRange,
  rangePath,
  rangeRoot,
  rootFromRange,
} from "./index.ts"

const all = leaves(1100)
const tree = treeOf(all)
const hashOf = (index: number) => all[index] as Uint8Array
const row = (from: number, to: number) => concatBytes(...all.slice(from, to))

/** Full nodes of the tree; refuses what does not lie wholly in `[s, e)`, or meets `[a, b)`. */
function nodesWithin(s: number, e: number, a: number, b: number): NodeAt {
  return (level, i) => {
    const [from, to] = [i * 2 ** level, (i + 1) * 2 ** level]
    if (from < s || to > e || (from < b && to > a)) throw new Error(`node ${level} ${i}`)
    return tree.nodeAt(level, i)
  }
}

describe("all ranges below 24", () => {
  test("have the root and the paths of the definition, and these lead to the root", () => {
    for (const [s, e] of rangesIn(0, 24)) {
      const wanted = rangesOf(hashOf, s, e)
      expect(formatHex(rangeRoot(s, row(s, e)))).toBe(formatHex(wanted.root))
      for (const [a, b] of rangesIn(s, e)) {
        const path = rangePath(a, b, s, e, nodesWithin(s, e, a, b))
        if (hex(path).join() !== hex(wanted.path(a, b)).join())
          throw new Error(`${s} ${a} ${b} ${e}`)
        checkRange(a, b, s, e, row(a, b), path, wanted.root)
      }
    }
  })

  test("give the same root and paths when they are opened once, in any order", () => {
    for (const [s, e] of rangesIn(0, 24)) {
      const range = openRange(s, e, nodesWithin(s, e, e, e))
      const wanted = rangesOf(hashOf, s, e)
      for (const [a, b] of [...rangesIn(s, e)].reverse()) {
        if (hex(range.path(a, b)).join() !== hex(wanted.path(a, b)).join())
          throw new Error(`${s} ${a} ${b} ${e}`)
      }
      expect(formatHex(range.root())).toBe(formatHex(wanted.root))
    }
  })

  test("narrow to each range within them", () => {
    for (const [s, e] of [
      [0, 16],
      [3, 14],
      [5, 6],
      [7, 17],
    ] as const) {
      for (const [a, b] of rangesIn(s, e)) {
        const path = rangePath(a, b, s, e, nodesWithin(s, e, a, b))
        for (const [from, to] of rangesIn(a, b)) {
          const narrowed = narrowRangePath({ a, b, s, e }, row(a, b), path, from, to)
          const wanted = rangePath(from, to, s, e, nodesWithin(s, e, from, to))
          expect(hex(narrowed)).toEqual(hex(wanted))
        }
      }
    }
  })
})

test("a range from 0 has the tree hash of RFC 6962", () => {
  for (let n = 1; n <= 300; n++) {
    expect(formatHex(rangeRoot(0, row(0, n)))).toBe(formatHex(tree.root(n)))
  }
})

test("larger ranges: prover, verifier and definition agree", () => {
  const four = fc.uniqueArray(fc.nat(1099), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(four, (numbers) => {
      const [s, a, b, e] = numbers.toSorted((x, y) => x - y) as [number, number, number, number]
      const wanted = rangesOf(hashOf, s, e)
      const path = rangePath(a, b, s, e, nodesWithin(s, e, a, b))
      expect(hex(path)).toEqual(hex(wanted.path(a, b)))
      expect(formatHex(rootFromRange(a, b, s, e, row(a, b), path))).toBe(formatHex(wanted.root))
      const one = narrowRangePath({ a, b, s, e }, row(a, b), path, a, a + 1)
      checkRange(a, a + 1, s, e, hashOf(a), one, wanted.root)
    }),
    { numRuns: 60 },
  )
})

test("ranges far beyond 32 bits keep their left and right", () => {
  for (const s of [2 ** 32 - 3, 2 ** 32 + 5, 2 ** 45 - 1, 2 ** 53 - 12]) {
    const e = s + 11
    const root = rangeRoot(s, row(0, 11))
    // Further up than the range is wide nothing has a sibling, so the same place lower down has the
    // same root.
    const low = s % 64
    const wanted = rangesOf((index) => hashOf(index - low), low, low + 11)
    expect(formatHex(root)).toBe(formatHex(wanted.root))
    for (const [a, b] of rangesIn(s, e)) {
      const nodeAt: NodeAt = (level, i) => {
        const from = i * 2 ** level - s
        return treeOf(all.slice(from, from + 2 ** level)).root(2 ** level)
      }
      const path = rangePath(a, b, s, e, nodeAt)
      checkRange(a, b, s, e, row(a - s, b - s), path, root)
    }
  }
})

describe("a spoiled range path is refused:", () => {
  test.each([
    [4, 5, 6, 20],
    [0, 3, 5, 9],
    [13, 17, 29, 40],
    [1, 2, 3, 4],
    [8, 8, 16, 24],
  ])("s %i, a %i, b %i, e %i", (s, a, b, e) => {
    const { root, path } = rangesOf(hashOf, s, e)
    const good = path(a, b)
    const own = row(a, b)
    checkRange(a, b, s, e, own, good, root)
    for (const [what, bad] of spoiled(good)) {
      refused(what, () => checkRange(a, b, s, e, own, bad, root))
    }
    refused("other root", () => checkRange(a, b, s, e, own, good, sha256(root)))
    refused("short root", () => checkRange(a, b, s, e, own, good, root.subarray(1)))
    refused("other leaves", () => checkRange(a, b, s, e, row(a + 1, b + 1), good, root))
    refused("a leaf more", () => checkRange(a, b, s, e, row(a, b + 1), good, root))
    refused("a byte less", () => checkRange(a, b, s, e, own.subarray(1), good, root))
    refused("no leaves", () => checkRange(a, a, s, e, new Uint8Array(), good, root))
    refused("turned round", () => checkRange(b, a, s, e, own, good, root))
    refused("before the range", () => checkRange(a, b, a + 1, e, own, good, root))
    refused("after the range", () => checkRange(a, b, s, b - 1, own, good, root))
    refused("not whole", () => checkRange(a, b, s, e + 0.5, own, good, root))
    refused("negative", () => checkRange(a, b, -1, e, own, good, root))
    refused("beyond 2^53", () => checkRange(a, b, s, 2 ** 60, own, good, root))
  })

  test("said to be one place further", () => {
    const { root, path } = rangesOf(hashOf, 4, 20)
    refused("shifted", () => checkRange(6, 8, 4, 20, row(5, 7), path(5, 7), root))
    refused("shifted with the range", () => checkRange(6, 8, 5, 21, row(5, 7), path(5, 7), root))
  })
})

test("16,384 leaves cost one hash each, and a path some fifty nodes", () => {
  const many = leaves(16_384)
  const s = 1_000_001
  const hashes = concatBytes(...many)
  const root = rangeRoot(s, hashes)
  let asked = 0
  const memo = new Map<string, Uint8Array>()
  const nodeAt: NodeAt = (level, i) => {
    if (level === 0) return many[i - s] as Uint8Array
    const known = memo.get(`${level}/${i}`)
    if (known !== undefined) return known
    const made = node(nodeAt(level - 1, 2 * i), nodeAt(level - 1, 2 * i + 1))
    memo.set(`${level}/${i}`, made)
    return made
  }
  const counted: NodeAt = (level, i) => {
    asked++
    return nodeAt(level, i)
  }
  const [a, b] = [s + 5_001, s + 5_101]
  const path = rangePath(a, b, s, s + many.length, counted)
  expect(asked).toBeLessThan(60)
  const own = hashes.subarray(32 * (a - s), 32 * (b - s))
  checkRange(a, b, s, s + many.length, own, path, root)
})

test("rangeRoot changes nothing that it is given", () => {
  const given = row(1, 9)
  const before = formatHex(given)
  rangeRoot(1, given)
  expect(formatHex(given)).toBe(before)
})

function* rangesIn(from: number, to: number): Generator<[number, number]> {
  for (let a = from; a < to; a++) for (let b = a + 1; b <= to; b++) yield [a, b]
}

function refused(what: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    if (isPosternError(error) && error.code === "PROOF_INVALID") return
    throw error
  }
  throw new Error(`accepted: ${what}`)
}
