import { encodeUtf8 } from "@postern/log/base"
import { beforeEach, expect, test, vi } from "vitest"
import { openSalted } from "./salts.ts"

const hashed = vi.hoisted(() => ({ bytes: 0 }))
// The module itself, with the bytes counted that go into its hashes.
vi.mock("node:crypto", async (original) => {
  const real = await original<typeof import("node:crypto")>()
  const createHash: typeof real.createHash = (...of) => {
    const hash = real.createHash(...of)
    const update = hash.update.bind(hash)
    hash.update = (data: string | NodeJS.ArrayBufferView) => {
      hashed.bytes += typeof data === "string" ? data.length : data.byteLength
      return update(data as Uint8Array)
    }
    return hash
  }
  return { ...real, createHash }
})

const key = new Uint8Array(32).fill(1)
const value = encodeUtf8('"x"')

beforeEach(() => {
  hashed.bytes = 0
})

test("an item is hashed once, however many values leave it", () => {
  const salted = openSalted()
  const item = new Uint8Array(100_000).fill(0x61)
  const digests = Array.from({ length: 1_000 }, (_, at) => {
    return salted(key, "w", item, "a", value, at).digest
  })
  expect(new Set(digests).size).toBe(1_000)
  expect(hashed.bytes).toBe(item.length)
})

test("an item of the same bytes in other memory gives the same, one of other bytes another", () => {
  const salted = openSalted()
  const of = (text: string) => salted(key, "w", encodeUtf8(text), "a", value, 1).digest
  expect(of("item")).toBe(of("item"))
  expect(of("item")).not.toBe(of("other"))
})
