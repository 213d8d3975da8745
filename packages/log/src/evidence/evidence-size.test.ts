/** A thousand entries of ten million: what the proof weighs. */
import { gzipSync } from "node:zlib"
import fc from "fast-check"
import { expect, test } from "vitest"
import { concatBytes, encodeUtf8, sha256 } from "../base/index.ts"
import {
  formatCheckpoint,
  leafHash,
  parsePolicy,
  proveSeveral,
  type ReadHashes,
  rangeRoot,
  signNote,
  treeRoot,
} from "../tlog/index.ts"
import { logKey, origin, TestLog } from "./evidence-log.test.support.ts"
import { checkEvidence, EvidenceWriter } from "./index.ts"

const size = 10_000_000
const count = 1000

/**
 * Hashes of a tree of which only some entries are there: what holds none of them has a hash that nothing was hashed
 * to, one for each node, so that two ways to the same node find the same.
 */
function hashesAround(leaves: ReadonlyMap<number, Uint8Array>): ReadHashes {
  const known: Set<number>[] = [new Set(leaves.keys())]
  for (let level = 1; level < 4; level++) {
    known.push(new Set([...(known[level - 1] ?? [])].map((index) => Math.floor(index / 256))))
  }
  const tiles = new Map<string, Uint8Array>()
  const tile = (level: number, from: number, to: number): Uint8Array => {
    const key = `${level}/${from}/${to}`
    const made = tiles.get(key) ?? concatBytes(...steps(from, to).map((i) => node(level, i)))
    tiles.set(key, made)
    return made
  }
  const node = (level: number, index: number): Uint8Array => {
    if (known[level]?.has(index) !== true) return sha256(encodeUtf8(`${level}/${index}`))
    if (level === 0) return leafHash(leaves.get(index) as Uint8Array)
    return rangeRoot(0, tile(level - 1, index * 256, (index + 1) * 256))
  }
  return tile
}

function steps(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

test("the proof of 1,000 random entries of 10,000,000 is packed into 500 KiB, entries apart", async () => {
  const log = new TestLog()
  log.start()
  const stream = log.open("spiffe://example/app", "d4".repeat(16))
  log.batch(stream, 1)
  const some = log.leaves[2] as Uint8Array
  const drawn = fc.uniqueArray(fc.integer({ min: 2, max: size - 1 }), {
    minLength: count,
    maxLength: count,
  })
  const [random = []] = fc.sample(drawn, { numRuns: 1, seed: 7 })
  const indexes = random.sort((a, b) => a - b)
  const leaves = new Map(indexes.map((index) => [index, some]))
  for (const index of [0, 1]) leaves.set(index, log.leaves[index] as Uint8Array)
  const read = hashesAround(leaves)
  const text = formatCheckpoint({ origin, size, root: await treeRoot(size, read) })
  const path = await proveSeveral([0, 1, ...indexes], size, read)
  const lines: Uint8Array[] = []
  const proof: Uint8Array[] = []
  const writer = new EvidenceWriter((line) => void lines.push(line))
  await writer.head({ origin, evidence: "set", claim: {}, count })
  await writer.note(await signNote(text, logKey))
  for (const index of [0, 1]) await writer.context(index, log.leaves[index] as Uint8Array)
  for (const index of indexes) await writer.leaf(index, some)
  const before = lines.length
  await writer.path(path)
  proof.push(...lines.slice(before))
  await writer.end()
  expect(gzipSync(concatBytes(...proof)).length).toBeLessThan(500 * 1024)
  const policy = parsePolicy(`log ${logKey.vkey}\nquorum none\n`)
  const found = await checkEvidence(gzipSync(concatBytes(...lines)), policy)
  expect(found).toMatchObject({ verdict: "SIGNED-ONLY", counts: { leaves: count, unknown: 0 } })
}, 30_000)
