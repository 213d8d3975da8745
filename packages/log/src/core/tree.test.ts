import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { desks, leavesMax } from "./twins.test.fixture.ts"

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}
const nodeOf = (left: Buffer, right: Buffer): Buffer => sha256(Uint8Array.of(1), left, right)

const sizeMax = 600
const leafHashes = Array.from({ length: sizeMax }, (_, i) => sha256(Buffer.from(`leaf ${i}`)))

/** MTH of RFC 6962 §2.1 as it stands there, over leaf hashes. */
function rootOf(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes
  if (only === undefined) return sha256()
  if (hashes.length === 1) return only
  let half = 1
  while (2 * half < hashes.length) half *= 2
  return nodeOf(rootOf(hashes.slice(0, half)), rootOf(hashes.slice(half)))
}

const roots = Array.from({ length: sizeMax + 1 }, (_, size) => rootOf(leafHashes.slice(0, size)))

/** Full nodes by level, from the definition. */
const fullNodes: Buffer[][] = [leafHashes]
for (let below = leafHashes; below.length > 1; ) {
  const level: Buffer[] = []
  for (let i = 0; i + 1 < below.length; i += 2) {
    level.push(nodeOf(below[i] as Buffer, below[i + 1] as Buffer))
  }
  fullNodes.push(level)
  below = level
}

describe.each(desks)("$core.kind", ({ core, levels, frontier, out }) => {
  const bytesAt = (at: number): Buffer => Buffer.from(core.memory.slice(at, at + 32))

  /** Appends leaves and checks every node that this completes, and the root. */
  function append(size: number, count: number): void {
    core.memory.fill(0xee, levels, levels + core.levelsBytes)
    const start = core.levelStart(levels, 0)
    for (let i = 0; i < count; i++) {
      core.memory.set(leafHashes[size + i] as Buffer, start + 32 * i)
    }
    core.grow(levels, count, size, frontier)
    for (const [level, nodes] of fullNodes.entries()) {
      const first = Math.floor(size / 2 ** level)
      const behind = Math.floor((size + count) / 2 ** level)
      for (let i = first; i < behind; i++) {
        const at = core.levelStart(levels, level) + 32 * (i - first)
        if (!bytesAt(at).equals(nodes[i] as Buffer)) {
          throw new Error(`node ${i} of level ${level} is wrong after ${size} + ${count}`)
        }
      }
      if (behind % 2 === 1 && nodes.length >= behind) {
        expect(bytesAt(frontier + 32 * level).equals(nodes[behind - 1] as Buffer)).toBe(true)
      }
    }
    core.root(frontier, size + count, out)
    expect(bytesAt(out).toString("hex")).toBe(roots[size + count]?.toString("hex"))
  }

  it("gives RFC 6962 roots and nodes at every size up to 600, leaf by leaf", () => {
    core.memory.fill(0xdd, frontier, frontier + 64 * 32)
    core.root(frontier, 0, out)
    expect(bytesAt(out).equals(sha256())).toBe(true)
    for (let size = 0; size < sizeMax; size++) append(size, 1)
  })

  it("gives the same in batches of any size up to the most", () => {
    let step = 1
    for (let log = 0; log < 40; log++) {
      core.memory.fill(0xdd, frontier, frontier + 64 * 32)
      for (let size = 0; size < sizeMax; ) {
        step = (step * 1103515245 + 12345) % 2 ** 31
        const most = log % 3 === 0 ? leavesMax : 3 + log
        const count = Math.min(1 + ((step >> 8) % most), sizeMax - size)
        append(size, count)
        size += count
      }
    }
  })

  it("gives the same from every size to every later one", () => {
    for (let size = 0; size <= 33; size++) {
      for (let count = 1; count <= 34; count++) {
        core.memory.fill(0xdd, frontier, frontier + 64 * 32)
        for (let built = 0; built < size; built += 1) {
          core.memory.set(leafHashes[built] as Buffer, core.levelStart(levels, 0))
          core.grow(levels, 1, built, frontier)
        }
        append(size, count)
      }
    }
  })

  it("does nothing for no leaves", () => {
    const before = core.memory.slice(frontier, frontier + 64 * 32)
    core.grow(levels, 0, 77, frontier)
    expect(core.memory.slice(frontier, frontier + 64 * 32)).toEqual(before)
  })

  it("grows a tree whose size is near 2^53", () => {
    // Only the peaks matter: they are made up, and the root is folded from them by hand.
    const size = 2 ** 53 - 1 - leavesMax
    for (let level = 0; level < 53; level++) {
      core.memory.set(leafHashes[level] as Buffer, frontier + 32 * level)
    }
    for (let i = 0; i < leavesMax; i++) {
      core.memory.set(leafHashes[100 + i] as Buffer, core.levelStart(levels, 0) + 32 * i)
    }
    const wanted = growByHand(size, leavesMax)
    core.grow(levels, leavesMax, size, frontier)
    core.root(frontier, size + leavesMax, out)
    expect(bytesAt(out).toString("hex")).toBe(wanted.toString("hex"))
  })

  it("makes one node", () => {
    core.memory.set(leafHashes[0] as Buffer, out)
    core.memory.set(leafHashes[1] as Buffer, frontier)
    core.node(out, frontier, out)
    expect(bytesAt(out).equals(nodeOf(leafHashes[0] as Buffer, leafHashes[1] as Buffer))).toBe(true)
  })

  it("keeps every level of a region apart and inside it", () => {
    for (let level = 0; level < 53; level++) {
      const most = Math.floor(leavesMax / 2 ** level) + 1
      const end = core.levelStart(levels, level) + 32 * most
      expect(core.levelStart(levels, level + 1) - 32).toBeGreaterThanOrEqual(end)
    }
    expect(core.levelStart(levels, 0) - 32).toBeGreaterThanOrEqual(levels)
    expect(core.levelStart(levels, 53) + 32).toBeLessThanOrEqual(levels + core.levelsBytes)
  })
})

/** Appends leaf by leaf to peaks 0…52 that are leafHashes[level], as an abacus. */
function growByHand(size: number, count: number): Buffer {
  const peaks = Array.from({ length: 54 }, (_, level) => leafHashes[level] as Buffer)
  let total = BigInt(size)
  for (let i = 0; i < count; i++, total++) {
    let carried = leafHashes[100 + i] as Buffer
    let level = 0
    for (; (total >> BigInt(level)) & 1n; level++) carried = nodeOf(peaks[level] as Buffer, carried)
    peaks[level] = carried
  }
  let root: Buffer | undefined
  for (let level = 0; level < 54; level++) {
    if (!((total >> BigInt(level)) & 1n)) continue
    const peak = peaks[level] as Buffer
    root = root === undefined ? peak : nodeOf(peak, root)
  }
  return root as Buffer
}
