import { encodeUtf8, formatBase64 } from "@postern/log/base"
import { leafHash } from "@postern/log/tlog"
import { expect, test } from "vitest"
import type { ShownEntry } from "../api/index.ts"
import type { SeenCheckpoint } from "../kept/index.ts"
import { TestLog } from "./log.test.support.ts"
import { openLogTrust } from "./log-trust.ts"
import { pathSteps } from "./path-steps.ts"
import { nextSeen, verifyEntry } from "./verification.ts"

async function verify(
  log: TestLog,
  index: number,
  change: (answer: ShownEntry) => ShownEntry = (answer) => answer,
  seen?: SeenCheckpoint,
) {
  const trust = await openLogTrust(log.vkey, "")
  return verifyEntry({
    ...{ index, seen },
    answer: change(await log.answer(index)),
    open: (note) => trust.open(note),
    consistency: async (from) => log.consistency(from),
  })
}

function logOf(count: number): TestLog {
  const log = new TestLog()
  log.add(count)
  return log
}

test("every entry of every small log holds, the openings too", async () => {
  for (const count of [0, 1, 2, 5, 14]) {
    const log = logOf(count)
    for (let index = 0; index < log.leaves.length; index++) {
      const { state, steps } = await verify(log, index)
      expect([state, steps.map(({ state }) => state)]).toEqual([
        "holds",
        ["holds", "holds", "holds", "holds", "open"],
      ])
    }
  }
})

test("the steps of a path lead to the root, in trees of every shape", () => {
  for (let count = 0; count < 30; count++) {
    const log = logOf(count)
    const size = log.leaves.length
    for (let index = 0; index < size; index++) {
      const leaf = leafHash(encodeUtf8(log.leaves[index] as string))
      const steps = pathSteps(index, size, leaf, log.path(index))
      expect(formatBase64(steps.at(-1)?.result ?? leaf)).toBe(formatBase64(log.root()))
    }
  }
})

const other = formatBase64(new Uint8Array(32).fill(7))
const lies: [string, string, (answer: ShownEntry) => ShownEntry][] = [
  [
    "a changed event",
    "Path to the root",
    (answer) => ({
      ...answer,
      entry: { ...answer.entry, leaf: answer.entry.leaf.replace("a.b", "a.c") },
    }),
  ],
  [
    "another entry than the one that was asked for",
    "Leaf",
    (answer) => ({ ...answer, entry: { ...answer.entry, index: 4 } }),
  ],
  [
    "a leaf that no port writes",
    "Leaf",
    (answer) => ({ ...answer, entry: { ...answer.entry, leaf: "{}" } }),
  ],
  [
    "half a surrogate pair",
    "Leaf",
    (answer) => ({ ...answer, entry: { ...answer.entry, leaf: `${answer.entry.leaf}\ud800` } }),
  ],
  [
    "a changed hash of the path",
    "Path to the root",
    (answer) => ({
      ...answer,
      inclusion: { ...(answer.inclusion as NonNullable<ShownEntry["inclusion"]>), path: [other] },
    }),
  ],
  [
    "a path of another tree",
    "Path to the root",
    (answer) => ({
      ...answer,
      inclusion: { ...(answer.inclusion as NonNullable<ShownEntry["inclusion"]>), size: 9 },
    }),
  ],
  [
    "a changed checkpoint",
    "Signature of the checkpoint",
    (answer) => ({ ...answer, checkpoint: answer.checkpoint?.replace("\n10\n", "\n11\n") ?? "" }),
  ],
  [
    "another writer than the opening names",
    "Writer",
    (answer) => ({ ...answer, entry: { ...answer.entry, writer: "spiffe://a.example/writer/b" } }),
  ],
  [
    "an opening that was changed with it",
    "Writer",
    (answer) => {
      const writer = "spiffe://a.example/writer/b"
      const opening = answer.opening as NonNullable<ShownEntry["opening"]>
      const leaf = opening.leaf.replace("writer/app", "writer/b")
      return { ...answer, entry: { ...answer.entry, writer }, opening: { ...opening, leaf } }
    },
  ],
]

test.each(lies)("%s fails at: %s", async (_what, name, change) => {
  const { state, steps } = await verify(logOf(8), 5, change)
  expect(state).toBe("failed")
  expect(steps.filter((step) => step.state === "failed").map((step) => step.name)).toContain(name)
})

test("without a checkpoint, or without a key, nothing is said to hold", async () => {
  const log = logOf(8)
  const { checkpoint: _, inclusion: __, ...bare } = await log.answer(5)
  expect((await verify(log, 5, () => bare)).state).toBe("open")
  const keyless = await verifyEntry({
    ...{ index: 5, open: undefined },
    answer: await log.answer(5),
    consistency: async () => [],
  })
  expect(keyless.state).toBe("open")
})

test("a key of another log fails", async () => {
  const log = logOf(8)
  const trust = await openLogTrust(new TestLog().vkey, "")
  const { state } = await verifyEntry({
    index: 5,
    answer: await log.answer(5),
    open: (note) => trust.open(note),
    consistency: async () => [],
  })
  expect(state).toBe("failed")
})

test("a log that goes on from what was seen holds; one that was rewritten fails", async () => {
  const log = logOf(8)
  const root = formatBase64(log.root())
  const seen = { size: 10, root, at: "2026-11-22T00:00:00Z" }
  log.add(13)
  expect((await verify(log, 5, undefined, seen)).steps.at(-1)?.state).toBe("holds")
  const rewritten = await verify(log, 5, undefined, { ...seen, root: other })
  expect([rewritten.state, rewritten.steps.at(-1)?.state]).toEqual(["failed", "failed"])
})

test("the hashes between two sizes that cannot be had say nothing", async () => {
  const log = logOf(8)
  const trust = await openLogTrust(log.vkey, "")
  const seen = { size: 3, root: other, at: "" }
  const { state, steps } = await verifyEntry({
    ...{ index: 5, seen },
    answer: await log.answer(5),
    open: (note) => trust.open(note),
    consistency: () => Promise.reject(new Error("no network")),
  })
  expect([state, steps.at(-1)?.state]).toEqual(["holds", "open"])
})

test("the largest checkpoint is remembered", () => {
  const root = new Uint8Array(32)
  const seen = { size: 9, root: other, at: "then" }
  expect(nextSeen(seen, { origin: "x", size: 8, root }, "now")).toBe(seen)
  expect(nextSeen(seen, { origin: "x", size: 10, root }, "now")).toMatchObject({ size: 10 })
})
