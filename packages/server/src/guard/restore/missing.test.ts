import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { encodeUtf8, PosternError } from "@postern/log/base"
import {
  formatReceiptCertificateText,
  formatReceiptFile,
  formatReceiptText,
} from "@postern/log/evidence"
import { leafHash, signNote } from "@postern/log/tlog"
import { afterEach, beforeEach, expect, test } from "vitest"
import { followLog } from "../../disk/index.ts"
import { origin } from "../verify/written-log.test.support.ts"
import { judgeReceipt, openLocalEpochs } from "./index.ts"
import { openScene, removeDirectories, type Scene } from "./restore.test.support.ts"

let scene: Scene
beforeEach(async () => {
  scene = await openScene()
})
afterEach(removeDirectories)

/** A receipt for a leaf that is alone in its slot. */
async function receiptOf(index: number, leaf: Uint8Array): Promise<string> {
  const { log, receipts } = scene.log
  const certificate = await signNote(
    formatReceiptCertificateText(origin, receipts.vkey),
    log.signer,
  )
  const text = formatReceiptText({ origin, first: index, count: 1, root: leafHash(leaf) })
  const note = await signNote(text, receipts.signer)
  return formatReceiptFile({ index, leaf, path: [], note, certificate })
}

async function leafAt(path: string, index: number): Promise<Uint8Array> {
  const view = await followLog(path)
  const [leaf = new Uint8Array()] = await view.leaves(index, index + 1)
  await view.close()
  return leaf
}

test("receipts of a lost tail name what is missing, and the others are there", async () => {
  const { log, own, made, restore, copyTo, grow, accept } = scene
  const from = copyTo("mirror")
  await grow(3, false)
  const kept = await receiptOf(21, await leafAt(own, 21))
  const lost = await receiptOf(24, await leafAt(own, 24))
  await log.close()
  const restored = await restore({ from, ...accept })
  if (restored.kind !== "successor") throw new Error("it ought to be a successor")
  const { epochs, close } = await openLocalEpochs(own, restored.vkey)
  expect(epochs.map((epoch) => [epoch.origin, epoch.size])).toEqual([
    ["verify.test/log/e2", 1],
    ["verify.test/log", 22],
  ])
  expect(epochs[1]?.vkey).toBe(made.vkey)
  expect(await judgeReceipt(kept, epochs)).toMatchObject({ state: "present", index: 21 })
  const missing = await judgeReceipt(lost, epochs)
  expect(missing).toMatchObject({ state: "missing", index: 24, origin })
  expect(missing.event?.action).toBe("test.done")
  await close()
})

test("a receipt for another entry than the one that is there says so", async () => {
  const { log, own, vkey } = scene
  const other = await leafAt(own, 21)
  const { epochs, close } = await openLocalEpochs(own, vkey)
  expect(await judgeReceipt(await receiptOf(20, other), epochs)).toMatchObject({ state: "other" })
  await close()
  await log.close()
})

test("a receipt for an entry that was removed by rule says so", async () => {
  const { log, own, vkey } = scene
  const receipt = await receiptOf(3, await leafAt(own, 3))
  const { epochs, close } = await openLocalEpochs(own, vkey)
  const pruned = epochs.map((epoch) => ({
    ...epoch,
    leaf: () => Promise.reject(new PosternError("ENTRY_PRUNED", "the log begins at 20")),
  }))
  const finding = await judgeReceipt(receipt, pruned)
  expect(finding).toMatchObject({ state: "pruned", index: 3 })
  expect(finding.event?.id).toBeDefined()
  await close()
  await log.close()
})

test("what is no receipt of an epoch that is known is invalid", async () => {
  const { log, own, vkey } = scene
  const good = await receiptOf(21, await leafAt(own, 21))
  const { epochs, close } = await openLocalEpochs(own, vkey)
  const forged = JSON.parse(good) as Record<string, unknown>
  for (const text of ["", "{}", JSON.stringify({ ...forged, index: 20 })]) {
    expect(await judgeReceipt(text, epochs)).toMatchObject({ state: "invalid" })
  }
  const foreign = epochs.map((epoch) => ({ ...epoch, origin: "elsewhere" }))
  expect(await judgeReceipt(good, foreign)).toMatchObject({ state: "invalid", origin })
  await close()
  await log.close()
})

test("of an epoch whose directory is gone every receipt is missing or kept elsewhere", async () => {
  const { log, own, restore, copyTo, accept } = scene
  const from = copyTo("mirror")
  const leaf = await leafAt(own, 3)
  const [early, late] = [await receiptOf(3, leaf), await receiptOf(30, encodeUtf8(leafText(leaf)))]
  await log.close()
  rmSync(own, { recursive: true })
  const restored = await restore({ from, ...accept })
  rmSync(join(own, "..", "log.e1"), { recursive: true })
  if (restored.kind !== "successor") throw new Error("it ought to be a successor")
  const { epochs, close } = await openLocalEpochs(own, restored.vkey)
  expect(await judgeReceipt(early, epochs)).toMatchObject({ state: "kept" })
  expect(await judgeReceipt(late, epochs)).toMatchObject({ state: "missing" })
  await close()
  expect(readFileSync(join(own, "log.json"), "utf8")).toContain("/e2")
})

function leafText(leaf: Uint8Array): string {
  return Buffer.from(leaf).toString()
}
