import {
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { parseQuery } from "@postern/log/query"
import fc from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import { askPart, craftPart, mendSums, PartDamaged } from "./crafted-part.test.support.ts"
import {
  leafOf,
  newIndexDirectory,
  openIndexed,
  openings,
  removeDirectories,
  scanAll,
  writeLeaves,
} from "./index-log.test.support.ts"
import { hashKeyOf, hashToken } from "./keyed-hash.ts"
import { indexStatus, rebuildIndex } from "./offline.ts"
import { decodeHeader, headerBytesMax, partName } from "./part-format.ts"

const start = Date.UTC(2026, 10, 1) * 1000
const questions = [
  "outcome:failure",
  "alpha",
  "actor:user/u3",
  "NOT alpha AND target:*",
  "data.n:>3",
  "w7 OR w8",
]

function someLeaves(count: number, salt = ""): Uint8Array[] {
  const leaves = openings(start)
  for (let i = 0; i < count; i++) {
    const event = {
      id: `${salt}${i}`,
      time: "2026-11-01T00:00:00Z",
      outcome: i % 7 === 0 ? "failure" : "success",
      action: `a${i % 5}`,
      actor: { type: "user", id: `u${i % 9}` },
      targets: i % 3 === 0 ? [] : [{ type: "file", id: `f${i}` }],
      data: { note: i % 11 === 0 ? "alpha" : `w${i % 40}`, n: i % 6 },
    }
    leaves.push(leafOf(JSON.stringify(event), start + i * 1000, 1 + (i % 2), i))
  }
  return leaves
}

let cleanups: (() => void)[] = []
afterEach(() => {
  for (const clean of cleanups) clean()
  cleanups = []
  removeDirectories()
})

function newIndex(): string {
  const { path, remove } = newIndexDirectory()
  cleanups.push(remove)
  return path
}

/** What the index answers, question by question, with what was said to be damaged meanwhile. */
async function answersOf(log: string, index: string) {
  const indexed = await openIndexed(log, index)
  try {
    const to = indexed.view.head().size
    const answers: number[][] = []
    for (const text of questions) {
      const query = parseQuery(text)
      let rest = { from: 0, to }
      const found: number[] = []
      while (rest.from < rest.to) {
        const asked = { query, ...rest, order: "asc", rows: 1e9, bytes: 1e9, ms: 60_000 } as const
        const answer = await indexed.answering.search(asked)
        found.push(...answer.hits.map((hit) => hit.index))
        // A part turned out to be damaged: it is built again.
        if (answer.rest.from < answer.rest.to) await indexed.builder.catchUp(true)
        rest = answer.rest
      }
      answers.push(found)
    }
    return { answers, damaged: indexed.damaged }
  } finally {
    await indexed.close()
  }
}

const wanted = (leaves: readonly Uint8Array[]) =>
  questions.map((text) => scanAll(leaves, parseQuery(text)))

describe("the files of an index", () => {
  test("answer the same after a new start, without being built again", async () => {
    const leaves = someLeaves(900)
    const [log, index] = [await writeLeaves(leaves), newIndex()]
    expect((await answersOf(log, index)).answers).toEqual(wanted(leaves))
    const before = readdirSync(index).map((name) => [
      name,
      readFileSync(join(index, name)).toString("hex"),
    ])
    expect((await answersOf(log, index)).answers).toEqual(wanted(leaves))
    expect(
      readdirSync(index).map((name) => [name, readFileSync(join(index, name)).toString("hex")]),
    ).toEqual(before)
    expect(await indexStatus(log, index)).toMatchObject({ entries: leaves.length })
  })

  test("are thrown away if they belong to another log, or to one that goes on differently", async () => {
    const leaves = someLeaves(900)
    const [log, index] = [await writeLeaves(leaves), newIndex()]
    await answersOf(log, index)
    for (const others of [
      someLeaves(900, "x"),
      someLeaves(300),
      someLeaves(800).concat(someLeaves(90, "y").slice(3)),
    ]) {
      expect((await answersOf(await writeLeaves(others), index)).answers).toEqual(wanted(others))
    }
  })

  test("may be missing, cut off or left half written at any place", async () => {
    const leaves = someLeaves(900)
    const [log, index] = [await writeLeaves(leaves), newIndex()]
    await answersOf(log, index)
    const names = readdirSync(index).filter((name) => name.endsWith(".part"))
    expect(names.length).toBeGreaterThan(3)
    const [second, third] = [join(index, names[1]!), join(index, names[2]!)]
    const states: (() => void)[] = [
      () => rmSync(second),
      () => truncateSync(third, 100),
      () => truncateSync(third, 5000),
      () => writeFileSync(`${second}.new`, "half"),
      () => copyFileSync(second, third),
      () => writeFileSync(join(index, partName(7)), readFileSync(second)),
      () => rmSync(join(index, "seed")),
      () => writeFileSync(join(index, "seed"), "00".repeat(16)),
      () => writeFileSync(join(index, "seed"), "what"),
    ]
    for (const change of states) {
      change()
      expect((await answersOf(log, index)).answers, change.toString()).toEqual(wanted(leaves))
      expect(readdirSync(index).filter((name) => name.endsWith(".new"))).toEqual([])
    }
  })

  test("may be flipped anywhere: what is wrong is noticed, built again, and never answered from", async () => {
    const leaves = someLeaves(600)
    const [log, index] = [await writeLeaves(leaves), newIndex()]
    await answersOf(log, index)
    const names = readdirSync(index).filter((name) => name.endsWith(".part"))
    const path = join(index, names[1]!)
    const bytes = readFileSync(path)
    const whole = decodeHeader(bytes.subarray(0, headerBytesMax), bytes.length)!
    const places = [
      20,
      60,
      ...whole.sections
        .filter(({ length }) => length > 0)
        .map(({ at, length }) => at + (length >> 1)),
    ]
    const noticed: string[] = []
    for (const at of places) {
      const flipped = readFileSync(path)
      flipped[at] = flipped[at]! ^ 0x41
      writeFileSync(path, flipped)
      const { answers, damaged } = await answersOf(log, index)
      noticed.push(...damaged)
      expect(answers).toEqual(wanted(leaves))
    }
    expect(noticed.length).toBeGreaterThan(5)
  })

  test("are built offline, with progress, and kept from two who write", async () => {
    const leaves = someLeaves(900)
    const [log, index] = [await writeLeaves(leaves), newIndex()]
    const seen: number[] = []
    const status = await rebuildIndex(log, index, ({ done }) => seen.push(done))
    expect(status.parts).toBeGreaterThan(3)
    expect(status.indexed).toBeGreaterThan(leaves.length / 2)
    expect(seen.at(-1)).toBe(leaves.length)
    const indexed = await openIndexed(log, index)
    await expect(rebuildIndex(log, index, () => undefined)).rejects.toThrow(/another process/)
    await indexed.close()
    expect((await answersOf(log, index)).answers).toEqual(wanted(leaves))
  })
})

describe("groups", () => {
  test("rule parts out that do not hold a token, and never one that does", async () => {
    const leaves = someLeaves(1500)
    const rare = JSON.stringify({
      id: "rare",
      outcome: "failure",
      data: { note: "onlyhere alpha" },
    })
    leaves[800] = leafOf(rare, start + 800_000, 1, 7)
    const [log, index] = [await writeLeaves(leaves, 16_384), newIndex()]
    // What a group rules out is up to chance: with one seed of two hundred it is too little of a group so small.
    writeFileSync(join(index, "seed"), `${"5e".repeat(16)}\n`)
    expect((await answersOf(log, index)).answers).toEqual(wanted(leaves))
    const names = readdirSync(index).filter((name) => name.endsWith(".group"))
    expect(names.length).toBeGreaterThan(1)
    const indexed = await openIndexed(log, index)
    const key = hashKeyOf(indexed.directory.seed)
    const held = indexed.directory.listGroups().map((first) => {
      const group = indexed.directory.openGroup(first)
      const held = [
        group.holding(hashToken(key, "onlyhere")),
        group.holding(hashToken(key, "outcome")),
      ]
      group.close()
      return held
    })
    expect(held.every(([, everywhere]) => everywhere === 0xffff)).toBe(true)
    expect(
      held.reduce((sum, [parts]) => sum + parts!.toString(2).replaceAll("0", "").length, 0),
    ).toBeLessThan(14)
    for (const text of [
      "onlyhere",
      "onlyhere AND alpha",
      "NOT onlyhere",
      'data.note:"onlyhere alpha"',
      "nowhere",
      "actor:user/u3 AND onlyhere",
    ]) {
      const asked = {
        query: parseQuery(text),
        from: 0,
        to: leaves.length,
        order: "desc",
        rows: 1e9,
        bytes: 1e9,
        ms: 60_000,
      } as const
      const { hits } = await indexed.answering.search(asked)
      expect(hits.map((hit) => hit.index).reverse(), text).toEqual(
        scanAll(leaves, parseQuery(text)),
      )
    }
    await indexed.close()
    const path = join(index, names[0]!)
    for (const at of [3, 30, 60, 900, 1500]) {
      const bytes = readFileSync(path)
      bytes[at] = bytes[at]! ^ 0x41
      writeFileSync(path, bytes)
      expect((await answersOf(log, index)).answers).toEqual(wanted(leaves))
    }
  })
})

describe("a crafted part", () => {
  test("never does worse than to be refused, whatever its bytes and however right its sums", async () => {
    const piece = craftPart(someLeaves(300))
    let refused = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(piece.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (flips) => {
          const bytes = piece.slice()
          for (const [at, byte] of flips) bytes[at] = byte
          mendSums(bytes)
          try {
            await askPart(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(PartDamaged)
            refused += 1
          }
        },
      ),
      { numRuns: 1500 },
    )
    expect(refused).toBeGreaterThan(50)
  })
})
