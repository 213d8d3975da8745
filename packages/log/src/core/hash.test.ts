import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type Core, createCore } from "./index.ts"
import { createWasmCore } from "./wasm.ts"

const options = { memoryBytes: 2 ** 20, leavesMax: 64 }
const withoutNative = createWasmCore(options, () => undefined)
if (withoutNative === undefined) throw new Error("this machine has no WebAssembly SIMD")

const cores: readonly (readonly [string, Core])[] = [
  ["wasm beside Node's crypto", createCore(options)],
  ["wasm alone", withoutNative],
  ["plain", createCore(options, "plain")],
]

const digest = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

const hexAt = (core: Core, at: number): string =>
  Buffer.from(core.memory.subarray(at, at + 32)).toString("hex")

describe.each(cores)("%s", (_name, core) => {
  const text = core.reserve(500_000)
  const leaves = core.reserve(8 * 1000)
  const hashes = core.reserve(32 * 1000)
  const view = new DataView(core.memory.buffer)
  for (let i = 0; i < 500_000; i++) core.memory[text + i] = (i * 7 + (i >> 8)) & 0xff

  it("hashes every length up to 300 and around every later block as node:crypto does", () => {
    const lengths = Array.from({ length: 301 }, (_, length) => length)
    for (const block of [512, 1024, 4096, 65_536]) {
      for (let length = block - 9; length <= block + 1; length++) lengths.push(length)
    }
    for (const length of lengths) {
      const at = text + (length % 17)
      core.sha256(at, at + length, hashes)
      expect(hexAt(core, hashes)).toBe(digest(core.memory.subarray(at, at + length)))
    }
  })

  /** Lays leaves of these lengths one after the other and returns what their hashes must be. */
  function layLeaves(lengths: readonly number[]): string[] {
    let at = text
    return lengths.map((length, i) => {
      view.setUint16(at, 0)
      const leaf = at + 2
      view.setUint32(leaves + 8 * i, leaf, true)
      view.setUint32(leaves + 8 * i + 4, length, true)
      at = leaf + length
      return digest(Uint8Array.of(0), core.memory.subarray(leaf, at))
    })
  }

  function hashesOf(count: number): string[] {
    return Array.from({ length: count }, (_, i) => hexAt(core, hashes + 32 * i))
  }

  it("hashes lists of leaves of any lengths, and writes nowhere else", () => {
    const length = fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 2000 }), fc.constantFrom(511, 512))
    fc.assert(
      fc.property(fc.array(length, { maxLength: 60 }), fc.nat(), fc.nat(), (lengths, a, b) => {
        const wanted = layLeaves(lengths)
        const to = a % (lengths.length + 1)
        const from = b % (to + 1)
        core.memory.fill(0, hashes, hashes + 32 * (lengths.length + 1))
        core.hashLeaves(leaves, from, to, hashes)
        const none = "00".repeat(32)
        const shown = wanted.map((hash, i) => (i >= from && i < to ? hash : none))
        expect(hashesOf(lengths.length + 1)).toEqual([...shown, none])
      }),
      { numRuns: 150 },
    )
  })

  it("hashes leaves of each pair of neighbouring lengths in neighbouring lanes", () => {
    for (let first = 40; first < 140; first++) {
      const lengths = Array.from({ length: 20 }, (_, i) => first + ((i * i) % 67))
      const wanted = layLeaves(lengths)
      core.hashLeaves(leaves, 0, lengths.length, hashes)
      expect(hashesOf(lengths.length)).toEqual(wanted)
    }
  })

  it("hashes long and short leaves in one list", () => {
    const lengths = Array.from({ length: 80 }, (_, i) => 480 + ((i * 37) % 80))
    const wanted = layLeaves(lengths)
    core.memory.fill(0, hashes, hashes + 32 * lengths.length)
    core.hashLeaves(leaves, 0, lengths.length, hashes)
    expect(hashesOf(lengths.length)).toEqual(wanted)
    expect(lengths).toContain(512)
  })

  it("writes lengths into the two bytes before each leaf, and nothing else", () => {
    const lengths = [0, 1, 255, 256, 65_535, 3]
    layLeaves(lengths)
    const before = core.memory.slice(text, text + 70_000)
    core.writeLengths(leaves, lengths.length)
    const after = core.memory.slice(text, text + 70_000)
    let at = 0
    for (const length of lengths) {
      expect(new DataView(after.buffer).getUint16(at)).toBe(length)
      after.set([0, 0], at)
      at += 2 + length
    }
    expect(Buffer.compare(after, before)).toBe(0)
  })
})
