import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { PosternError } from "../base/index.ts"
import {
  decodeEntryBundle,
  encodeEntryBundle,
  parseTilePath,
  type Tile,
  tilePath,
  tilesAt,
  tileWidth,
} from "./index.ts"

describe("tile paths", () => {
  test.each<[Tile, string]>([
    [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
    [{ level: 0, index: 999, width: 256 }, "tile/0/999"],
    [{ level: 0, index: 1000, width: 256 }, "tile/0/x001/000"],
    [{ level: 63, index: 1_234_067, width: 256 }, "tile/63/x001/x234/067"],
    [{ level: 0, index: 273, width: 112 }, "tile/0/273.p/112"],
    [{ level: 2, index: 0, width: 1 }, "tile/2/000.p/1"],
    [{ level: "entries", index: 1_234_067, width: 255 }, "tile/entries/x001/x234/067.p/255"],
    [
      { level: "entries", index: 2 ** 53 - 1, width: 256 },
      "tile/entries/x009/x007/x199/x254/x740/991",
    ],
  ])("%j is %s", (tile, path) => {
    expect(tilePath(tile)).toBe(path)
    expect(parseTilePath(path)).toEqual(tile)
  })

  test("round trip for every index below 2^53", () => {
    const level = fc.oneof(fc.nat(63), fc.constant("entries" as const))
    const index = fc.oneof(fc.maxSafeNat(), fc.nat(2_000_000))
    const tile = fc.record({ level, index, width: fc.integer({ min: 1, max: 256 }) })
    const roundTrip = (it: Tile) => {
      expect(parseTilePath(tilePath(it))).toEqual(it)
    }
    fc.assert(fc.property(tile, roundTrip))
  })

  test.each([
    "",
    "tile",
    "tile/0",
    "tile/0/",
    "/tile/0/000",
    "tile/0/000/",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/x000/001",
    "tile/0/001/000",
    "tile/0/x001/x000",
    "tile/0/X001/000",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/8/0/000",
    "tile/data/000",
    "tile/Entries/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/999",
    "tile/0/000.p/01",
    "tile/0/000.p/",
    "tile/0/000.p",
    "tile/0/000.p/1/",
    "tile/0/000.p/1\n",
    "tile/0/٠٠٠",
    "tile/0/x009/x007/x199/x254/x740/992",
    "tile/0/x001/x009/x007/x199/x254/x740/991",
  ])("%j is not one", (path) => {
    expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }))
  })

  test("a very long one is refused at once", () => {
    const path = `tile/0/${"x001/".repeat(200_000)}000`
    expect(() => parseTilePath(path)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }))
  })

  test("one changed character gives another tile or NOT_FOUND, nothing else", () => {
    const paths = ["tile/entries/x001/x234/067.p/255", "tile/0/000", "tile/63/x009/x007/999.p/1"]
    const any = fc.tuple(fc.constantFrom(...paths), fc.nat(40), fc.string({ maxLength: 3 }))
    fc.assert(
      fc.property(any, ([path, at, put]) => {
        const mutated = path.slice(0, at) + put + path.slice(at + 1)
        try {
          expect(tilePath(parseTilePath(mutated))).toBe(mutated)
        } catch (error) {
          if (!(error instanceof PosternError)) throw error
        }
      }),
    )
  })
})

describe("which tiles there are", () => {
  const named = (size: number) => [...tilesAt(size)].map(tilePath)

  test("at the small sizes", () => {
    expect(named(0)).toEqual([])
    expect(named(1)).toEqual(["tile/entries/000.p/1", "tile/0/000.p/1"])
    expect(named(256)).toEqual(["tile/entries/000", "tile/0/000", "tile/1/000.p/1"])
    expect(named(257)).toEqual([
      "tile/entries/000",
      "tile/entries/001.p/1",
      "tile/0/000",
      "tile/0/001.p/1",
      "tile/1/000.p/1",
    ])
  })

  test("at 70,000, the example of tlog-tiles", () => {
    const tiles = named(70_000)
    expect(tiles.filter((path) => path.startsWith("tile/0/")).length).toBe(274)
    expect(tiles).toContain("tile/0/272")
    expect(tiles).toContain("tile/entries/273.p/112")
    expect(tiles.slice(-4)).toEqual([
      "tile/0/273.p/112",
      "tile/1/000",
      "tile/1/001.p/17",
      "tile/2/000.p/1",
    ])
  })

  test("width is right at any size and level", () => {
    expect(tileWidth(0, 0, 0)).toBe(0)
    expect(tileWidth("entries", 0, 3)).toBe(3)
    expect(tileWidth(0, 1, 256)).toBe(0)
    expect(tileWidth(1, 0, 65_535)).toBe(255)
    expect(tileWidth(1, 0, 65_536)).toBe(256)
    expect(tileWidth(2, 0, 65_536)).toBe(1)
    expect(tileWidth(63, 0, 2 ** 53 - 1)).toBe(0)
    expect(tileWidth(0, 2 ** 45 - 1, 2 ** 53 - 1)).toBe(255)
    expect(tileWidth(0, Number.MAX_SAFE_INTEGER, 2 ** 53 - 1)).toBe(0)
  })
})

describe("entry bundles", () => {
  test("round trip", () => {
    const entry = fc.uint8Array({ maxLength: 700 })
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 256 }), (entries) => {
        const decoded = decodeEntryBundle(encodeEntryBundle(entries))
        expect(decoded.map((it) => Array.from(it))).toEqual(entries.map((it) => Array.from(it)))
      }),
      { numRuns: 30 },
    )
  })

  test("hold entries of 0 and of 65,535 bytes, the length before each", () => {
    const bundle = encodeEntryBundle([new Uint8Array(), new Uint8Array(65_535).fill(7)])
    expect(Array.from(bundle.subarray(0, 5))).toEqual([0, 0, 0xff, 0xff, 7])
    expect(decodeEntryBundle(bundle).map((entry) => entry.length)).toEqual([0, 65_535])
  })

  test.each<[string, Uint8Array]>([
    ["empty", new Uint8Array()],
    ["half a length", Uint8Array.of(0)],
    ["a byte missing", Uint8Array.of(0, 2, 1)],
    ["half a second length", Uint8Array.of(0, 1, 1, 0)],
    ["257 entries", new Uint8Array(2 * 257)],
  ])("are refused: %s", (_, bytes) => {
    expect(() => decodeEntryBundle(bytes)).toThrow(expect.objectContaining({ code: "LOG_DAMAGED" }))
  })

  test("any bytes give entries or LOG_DAMAGED", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(Array.from(encodeEntryBundle(decodeEntryBundle(bytes)))).toEqual(Array.from(bytes))
        } catch (error) {
          if (!(error instanceof PosternError)) throw error
        }
      }),
    )
  })
})
