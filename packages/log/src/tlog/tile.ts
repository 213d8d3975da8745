import { assert } from "../base/index.ts"
import { demand, quote } from "./demand.ts"

export const tileWidthMax = 256
const tileLevelMax = 63

/**
 * One resource of C2SP tlog-tiles: a hash tile, or the entry bundle that stands beside the tile of
 * level 0.
 */
export interface Tile {
  /** 0 to 63, or "entries" for an entry bundle. */
  readonly level: number | "entries"
  /** Number of the tile in its level, below 2^53. */
  readonly index: number
  /** Hashes or entries in it: 1 to 255 for a partial tile, 256 for a full one. */
  readonly width: number
}

/**
 * `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`, without a slash before it (tlog-tiles
 * v0.1.0).
 */
export function tilePath({ level, index, width }: Tile): string {
  assert(Number.isSafeInteger(index) && index >= 0, "a tile index is a whole number below 2^53")
  assert(Number.isInteger(width) && width >= 1 && width <= tileWidthMax, "a tile width is 1 to 256")
  const levelFits = Number.isInteger(level) && Number(level) >= 0 && Number(level) <= tileLevelMax
  assert(level === "entries" || levelFits, "a tile level is 0 to 63")
  const suffix = width === tileWidthMax ? "" : `.p/${width}`
  return `tile/${level}/${formatTileIndex(index)}${suffix}`
}

/** Groups of three digits, all but the last after an x: 1234067 is `x001/x234/067`. */
function formatTileIndex(index: number): string {
  const digits = String(index)
  const padded = digits.padStart(3 * Math.ceil(digits.length / 3), "0")
  const groups = padded.match(/.{3}/g) ?? []
  return groups
    .join("/x")
    .replace(/^(?=.*\/)/, "x")
    .replace(/\/x(...)$/, "/$1")
}

const pathPattern =
  /^tile\/(entries|[1-9]?[0-9])\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/

/**
 * The one tile that tilePath writes this path for.
 * @throws PosternError NOT_FOUND for every other text
 */
export function parseTilePath(path: string): Tile {
  const [, levelText, indexText = "", widthText] = pathPattern.exec(path) ?? []
  demand(levelText !== undefined, "NOT_FOUND", `${quote(path)} is not the path of a tile`)
  const level = levelText === "entries" ? levelText : Number(levelText)
  const index = Number(indexText.replace(/[x/]/g, ""))
  const width = widthText === undefined ? tileWidthMax : Number(widthText)
  const levelFits = level === "entries" || level <= tileLevelMax
  const indexFits = Number.isSafeInteger(index) && formatTileIndex(index) === indexText
  const widthFits = widthText === undefined || width < tileWidthMax
  const fits = levelFits && indexFits && widthFits
  demand(fits, "NOT_FOUND", `${quote(path)} is not the path of a tile`)
  return { level, index, width }
}

/**
 * How many hashes (or entries) the tile has in the tree of `size` entries: 0 = there is no such
 * tile, 256 = it is full. A tile with a smaller width is a prefix of it and was part of an earlier
 * tree.
 */
export function tileWidth(level: number | "entries", index: number, size: number): number {
  const hashes = Math.floor(size / tileWidthMax ** (level === "entries" ? 0 : level))
  return Math.max(0, Math.min(tileWidthMax, hashes - tileWidthMax * index))
}

/**
 * All tiles of the tree of `size` entries, the partial ones at its right edge included; entry
 * bundles first.
 */
export function* tilesAt(size: number): Generator<Tile> {
  yield* tilesOfLevel("entries", size)
  for (let level = 0; tileWidth(level, 0, size) > 0; level++) yield* tilesOfLevel(level, size)
}

function* tilesOfLevel(level: number | "entries", size: number): Generator<Tile> {
  for (let index = 0; ; index++) {
    const width = tileWidth(level, index, size)
    if (width === 0) return
    yield { level, index, width }
  }
}
