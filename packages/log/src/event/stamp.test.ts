import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatHex, isPosternError, limits, parseHex, sha256 } from "../base/index.ts"
import { type Changed, deriveNonce, formatStamp, parseStamp, type Stamp } from "./stamp.ts"

interface StampVectors {
  valid: (Omit<Stamp, "nonce"> & { text: string; nonce: string })[]
  refused: string[]
  nonces: { seed: string; position: number; nonce: string }[]
}

const vectors: StampVectors = JSON.parse(
  readFileSync(new URL("../../../../docs/spec/vectors/stamp.json", import.meta.url), "utf8"),
)

const bytesOf = (hex: string): Uint8Array => parseHex(hex) ?? new Uint8Array(0)

const anyStamp: fc.Arbitrary<Stamp> = fc.record({
  received: fc.maxSafeNat(),
  open: fc.nat({ max: limits.sequenceMax }),
  sequence: fc.nat({ max: limits.sequenceMax }),
  nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  changed: fc.nat({ max: 7 }).map((changed) => changed as Changed),
})

const isRefused = (text: string): boolean => {
  try {
    parseStamp(text)
    return false
  } catch (error) {
    return isPosternError(error) && error.code === "ENTRY_SYNTAX"
  }
}

describe("a stamp", () => {
  test.each(vectors.valid)("is written and read as in the vector $text", (vector) => {
    const { text, nonce, ...rest } = vector
    const stamp = { ...rest, nonce: bytesOf(nonce) }
    expect(formatStamp(stamp)).toBe(text)
    expect(parseStamp(text)).toEqual(stamp)
  })

  test.each(vectors.refused)("is refused as in the vector %j", (text) => {
    expect(isRefused(text)).toBe(true)
  })

  test("comes back from its text, which is JSON and has at most 96 bytes", () => {
    fc.assert(
      fc.property(anyStamp, (stamp) => {
        const text = formatStamp(stamp)
        expect(text.length).toBeLessThanOrEqual(limits.stampBytesMax)
        expect(parseStamp(text)).toEqual(stamp)
        expect(JSON.parse(text)).toMatchObject({ r: stamp.received, q: stamp.sequence })
      }),
    )
  })

  test("of the largest numbers still fits", () => {
    const nonce = new Uint8Array(16).fill(0xff)
    const open = limits.sequenceMax
    const stamp = { received: Number.MAX_SAFE_INTEGER, open, sequence: open, nonce } as const
    expect(formatStamp({ ...stamp, changed: 2 }).length).toBe(95)
  })

  test("with one letter changed is refused or another stamp in its one spelling", () => {
    const letters = fc.constantFrom(...'0123456789ABQgw_-{}",:rqonc\\ \n+/=é')
    fc.assert(
      fc.property(anyStamp, fc.nat(95), letters, fc.boolean(), (stamp, at, letter, insert) => {
        const text = formatStamp(stamp)
        const changed = text.slice(0, at) + letter + text.slice(insert ? at : at + 1)
        expect(isRefused(changed) || formatStamp(parseStamp(changed)) === changed).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test("out of range is a broken invariant, since only the port writes stamps", () => {
    const nonce = new Uint8Array(16)
    const stamp: Stamp = { received: 0, open: 0, sequence: 0, nonce, changed: 0 }
    for (const wrong of [
      { received: -1 },
      { received: 0.5 },
      { received: 2 ** 53 },
      { open: 1e14 },
      { sequence: -1 },
      { sequence: Number.NaN },
      { nonce: new Uint8Array(15) },
    ]) {
      expect(() => formatStamp({ ...stamp, ...wrong })).toThrow("invariant broken")
    }
  })
})

describe("a nonce", () => {
  test.each(vectors.nonces)("is derived as in the vector $seed at $position", (vector) => {
    const nonce = deriveNonce(bytesOf(vector.seed), vector.position)
    expect(formatHex(nonce)).toBe(vector.nonce)
  })

  test("is one half of a hash, and no other position of a batch has the same", () => {
    const seed = sha256(new Uint8Array(1)).subarray(0, 16)
    const seen = new Set<string>()
    for (let position = 0; position < 1000; position++) {
      const nonce = deriveNonce(seed, position)
      expect(nonce.length).toBe(16)
      seen.add(formatHex(nonce))
    }
    expect(seen.size).toBe(1000)
  })

  test("needs a seed of 16 bytes and a position that fits in 32 bits", () => {
    expect(() => deriveNonce(new Uint8Array(15), 0)).toThrow("invariant broken")
    for (const position of [-1, 0.5, 2 ** 32]) {
      expect(() => deriveNonce(new Uint8Array(16), position)).toThrow("invariant broken")
    }
  })
})
