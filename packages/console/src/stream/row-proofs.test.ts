import { expect, test, vi } from "vitest"
import type { EntryAnswer, EntryPage } from "../api/index.ts"
import { openNotes } from "../proof/index.ts"
import { TestLog } from "../proof/log.test.support.ts"
import { readRow } from "./row.ts"
import { RowProofs } from "./row-proofs.ts"

const log = new TestLog()
log.add(20)
const newProofs = () => {
  return new RowProofs(
    openNotes(log.vkey, async () => ""),
    async () => undefined,
  )
}

async function taken(proofs: RowProofs, page: EntryPage) {
  const rows = page.entries.map(readRow)
  const before = proofs.version
  proofs.takePage(page, rows)
  await vi.waitFor(() => expect(proofs.version).toBeGreaterThan(before), 10_000)
  return rows.map((row) => proofs.of(row))
}

test("rows are marked with the tree that holds them, and those beyond it are not", async () => {
  const proofs = newProofs()
  expect(await taken(proofs, await log.page([8, 7, 2]))).toEqual([22, 22, 22])
  expect(await taken(proofs, await log.page([13, 12, 11], 12))).toEqual([undefined, undefined, 12])
  expect(proofs.failure).toBeUndefined()
})

/** A tail that sends what lies behind the checkpoint of a page again, and then proves it. */
async function tail(proofs: RowProofs, page: EntryPage, again: readonly EntryAnswer[]) {
  const rows = page.entries.map(readRow)
  proofs.takePage(page, rows)
  const stretch = proofs.begin()
  stretch.takeOpening(log.entry(1))
  for (const entry of again) stretch.takeAgain(entry)
  const before = proofs.version
  const indexes = [1, ...again.map(({ index }) => index)]
  const proof = { size: 22, path: log.severalPath(indexes, 22) }
  stretch.prove({ checkpoint: await log.note(), proof })
  await vi.waitFor(() => expect(proofs.version).toBeGreaterThan(before), 10_000)
  return rows.map((row) => proofs.of(row))
}

test("a tail begins where the checkpoint of the first page ends, and proves the rows behind it", async () => {
  const proofs = newProofs()
  expect(proofs.startOf(21)).toBe(21)
  const page = await log.page([21, 20], 20)
  expect(await tail(proofs, page, [log.entry(20), log.entry(21)])).toEqual([22, 22])
  expect([proofs.startOf(21), proofs.startOf(3), proofs.startOf(2000)]).toEqual([19, 3, 2000])
})

test("a row is not proven by an entry that reads otherwise", async () => {
  const proofs = newProofs()
  const page = await log.page([20], 20)
  const [told] = page.entries
  const leaf = told?.leaf.replace("a.b", "a.c")
  const lie = { ...page, entries: [{ ...told, leaf }] } as EntryPage
  expect(await tail(proofs, lie, [log.entry(20)])).toEqual(["failed"])
  await vi.waitFor(() => expect(proofs.failure?.message).toContain("two forms"), 10_000)
})

test("one lie marks its answer, and is remembered after answers that hold", async () => {
  const proofs = newProofs()
  const page = await log.page([8, 7])
  const [first, ...rest] = page.entries
  const changed = { ...first, leaf: `${first?.leaf} ` } as typeof first
  const lie = { ...page, entries: [changed, ...rest] } as EntryPage
  expect(await taken(proofs, lie)).toEqual(["failed", "failed"])
  expect(await taken(proofs, page)).toEqual([22, 22])
  expect(proofs.failure?.code).toBe("PROOF_INVALID")
})
