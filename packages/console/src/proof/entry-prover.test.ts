import { isPosternError } from "@postern/log/base"
import { expect, test } from "vitest"
import type { EntryAnswer, EntryPage } from "../api/index.ts"
import { EntryProver } from "./entry-prover.ts"
import { TestLog } from "./log.test.support.ts"
import { openNotes } from "./log-trust.ts"

const noRest = async () => undefined

function logOf(count: number): TestLog {
  const log = new TestLog()
  log.add(count)
  return log
}

function proverOf(log: TestLog): EntryProver {
  const ask = async () => ""
  return new EntryProver(openNotes(log.vkey, ask), noRest)
}

async function proven(log: TestLog, page: EntryPage): Promise<readonly number[]> {
  const prover = proverOf(log)
  for (const opening of page.openings ?? []) prover.takeOpening(opening)
  for (const entry of page.entries) prover.take(entry)
  return (await prover.prove(page)).indexes
}

test("what an answer brings is proven, in any order, as far as its checkpoint goes", async () => {
  const log = logOf(20)
  expect(await proven(log, await log.page([15, 3, 9]))).toEqual([1, 3, 9, 15])
  expect(await proven(log, await log.page([21, 20, 19], 20))).toEqual([1, 19])
  expect(await proven(log, await log.page([0, 1, 2]))).toEqual([0, 1, 2])
  const { checkpoint: _, proof: __, ...bare } = await log.page([4])
  expect(await proven(log, bare)).toEqual([])
  const empty = { ...bare, entries: [], openings: [], checkpoint: await log.note() }
  expect(await proven(log, empty)).toEqual([])
})

type Lie = (page: EntryPage, log: TestLog) => EntryPage | Promise<EntryPage>
const withEntry = (page: EntryPage, change: (entry: EntryAnswer) => EntryAnswer): EntryPage => {
  const [first, ...rest] = page.entries
  return { ...page, entries: [change(first as EntryAnswer), ...rest] }
}
const withPath = (page: EntryPage, path: readonly string[]): EntryPage => {
  return { ...page, proof: { size: page.proof?.size ?? 0, path } }
}

const lies: readonly (readonly [string, Lie])[] = [
  ["a changed event", (page) => withEntry(page, (entry) => ({ ...entry, leaf: `${entry.leaf} ` }))],
  ["another index", (page) => withEntry(page, (entry) => ({ ...entry, index: entry.index + 1 }))],
  ["another writer", (page) => withEntry(page, (entry) => ({ ...entry, writer: "spiffe://b" }))],
  ["half a character", (page) => withEntry(page, (entry) => ({ ...entry, leaf: "\ud800" }))],
  ["an entry too many", (page, log) => ({ ...page, entries: [...page.entries, log.entry(7)] })],
  ["an entry too few", (page) => ({ ...page, entries: page.entries.slice(1) })],
  [
    "no opening",
    async (page, log) => {
      const path = log.severalPath([3, 9], log.leaves.length)
      return { ...withPath(page, path), openings: [] }
    },
  ],
  [
    "an opening that opens nothing",
    async (page, log) => {
      const path = log.severalPath([3, 5, 9], log.leaves.length)
      return { ...withPath(page, path), openings: [log.entry(5)] }
    },
  ],
  ["a path without its end", (page) => withPath(page, page.proof?.path.slice(1) ?? [])],
  ["a path that goes on", (page) => withPath(page, [...(page.proof?.path ?? []), "A".repeat(43)])],
  ["a path of another kind", (page) => withPath(page, "x" as unknown as string[])],
  ["no path", ({ proof: _, ...page }) => page],
  [
    "a path of another tree",
    (page) => {
      return { ...page, proof: { size: 21, path: page.proof?.path ?? [] } }
    },
  ],
  [
    "a checkpoint of another key",
    async (page) => ({ ...page, checkpoint: await logOf(20).note() }),
  ],
  [
    "a checkpoint of a smaller tree",
    async (page, log) => {
      return { ...page, checkpoint: await log.note(12) }
    },
  ],
]

test.each(lies)("%s does not hold", async (_, lie) => {
  const log = logOf(20)
  const page = await lie(await log.page([3, 9]), log)
  const error = await proven(log, page).catch((cause: unknown) => cause)
  expect(isPosternError(error), String(error)).toBe(true)
})

test("a tail: one path after the other, each for what came before it", async () => {
  const log = logOf(20)
  const prover = proverOf(log)
  const path = async (indexes: readonly number[], size: number) => {
    const proof = { size, path: log.severalPath(indexes, size) }
    return { checkpoint: await log.note(size), proof }
  }
  prover.takeOpening(log.entry(1))
  for (const index of [4, 5, 9]) prover.take(log.entry(index))
  const [first, second] = [await path([1, 4, 5], 8), await path([9, 10], 12)]
  // The next comes while the signature of the first is checked.
  const one = prover.prove(first)
  prover.take(log.entry(10))
  const two = prover.prove(second)
  expect((await one).indexes).toEqual([1, 4, 5])
  expect((await two).indexes).toEqual([9, 10])
  // A stream that was opened before is not told again by a reader that remembers; if it is, that is no harm.
  prover.takeOpening(log.entry(1))
  prover.take(log.entry(15))
  expect((await prover.prove(await path([1, 15], 22))).indexes).toEqual([1, 15])
})

test("a signature that is checked more quickly than the one before it does not overtake it", async () => {
  const log = logOf(20)
  const open = openNotes(log.vkey, async () => "")
  const { promise: slow, resolve } = Promise.withResolvers<void>()
  const first = await log.note(8)
  const { promise: quick, resolve: opened } = Promise.withResolvers<void>()
  const prover = new EntryProver(async (note) => {
    if (note === first) await slow
    const checkpoint = await open(note)
    if (note !== first) opened()
    return checkpoint
  }, noRest)
  prover.takeOpening(log.entry(1))
  prover.take(log.entry(4))
  const one = prover.prove({
    checkpoint: first,
    proof: { size: 8, path: log.severalPath([1, 4], 8) },
  })
  prover.take(log.entry(9))
  const two = prover.prove({
    checkpoint: await log.note(12),
    proof: { size: 12, path: log.severalPath([9], 12) },
  })
  await quick
  // What the second could do without waiting it has done by the next turn.
  await new Promise((turn) => setImmediate(turn))
  resolve()
  expect((await one).indexes).toEqual([1, 4])
  expect((await two).indexes).toEqual([9])
})

test("without an answer about the keys nothing is said", async () => {
  const [log, other] = [logOf(3), logOf(3)]
  const ask = () => Promise.reject(new Error("nobody answers"))
  const prover = new EntryProver(openNotes(other.vkey, ask), noRest)
  prover.take(log.entry(2))
  const error = await prover.prove(await log.page([2])).catch((cause: unknown) => cause)
  expect(isPosternError(error)).toBe(false)
})
