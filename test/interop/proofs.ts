import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { formatBase64 } from "@postern/log/base"
import {
  consistencyProof,
  inclusionProof,
  type ReadHashes,
  tilePath,
  tileWidth,
  tileWidthMax,
} from "@postern/log/tlog"

const proofsOfAKind = 60

/** Proofs that @postern/log makes from the exported tiles, a JSON object a line, for the Go program to check. */
export async function writeProofs(exported: string, size: number, file: string): Promise<void> {
  const read = readTiles(exported, size)
  const lines: string[] = []
  for (const index of choose(size)) {
    const proof = (await inclusionProof(index, size, read)).map(formatBase64)
    lines.push(JSON.stringify({ kind: "inclusion", size, index, proof }))
  }
  for (const less of choose(size)) {
    const old = less + 1
    const proof = (await consistencyProof(old, size, read)).map(formatBase64)
    lines.push(JSON.stringify({ kind: "consistency", size, old, proof }))
  }
  writeFileSync(file, lines.join("\n"))
}

function readTiles(exported: string, size: number): ReadHashes {
  return (level, from, to) => {
    const index = Math.floor(from / tileWidthMax)
    const width = tileWidth(level, index, size)
    const tile = readFileSync(join(exported, tilePath({ level, index, width })))
    const at = (from - index * tileWidthMax) * 32
    return new Uint8Array(tile.subarray(at, at + (to - from) * 32))
  }
}

/** Numbers of `[0, size)`: both ends, the borders of tiles, and some in between. */
function choose(size: number): number[] {
  const borders = [0, 1, 255, 256, 257, 65_535, 65_536, size - 2, size - 1]
  const some = Array.from({ length: proofsOfAKind }, (_, i) => {
    return Math.floor((size * (i + Math.random())) / proofsOfAKind)
  })
  return [...new Set([...borders, ...some])].filter((i) => i >= 0 && i < size)
}
