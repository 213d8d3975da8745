import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { concatBytes, decodeUtf8, encodeUtf8, parseHex } from "../base/index.ts"
import { formatVkey, noteKeyId, rangePath, rangeRoot, signNote } from "../tlog/index.ts"
import {
  type BatchClaim,
  checkBatchReceipt,
  checkReceipt,
  formatReceiptFile,
  formatReceiptText,
  receiptFileOf,
} from "./index.ts"

interface Vectors {
  logVkey: string
  receiptVkey: string
  certificate: string
  receipt: { note: string; origin: string }
  batch: {
    ack: Omit<BatchClaim["ack"], "seed" | "path"> & { seed: string; path: string[] }
    events: string[]
    refused: number[]
    leaves: string[]
  }
  files: { index: number }[]
}

const url = new URL("../../../../docs/spec/vectors/receipts.json", import.meta.url)
const vectors = JSON.parse(readFileSync(url, "utf8")) as Vectors
const { batch, certificate, logVkey, receiptVkey, receipt } = vectors

function bytes(hex: string): Uint8Array {
  return parseHex(hex) as Uint8Array
}

const claim: BatchClaim = {
  ack: { ...batch.ack, seed: bytes(batch.ack.seed), path: batch.ack.path.map(bytes) },
  events: batch.events.map(encodeUtf8),
  refused: batch.refused,
  note: receipt.note,
  receiptVkey,
}

describe("the acknowledged batch of the vectors", () => {
  test("has the leaves of the vectors, and they are in the slot", async () => {
    const proven = await checkBatchReceipt(claim)
    expect(proven.leaves.map(decodeUtf8)).toEqual(batch.leaves)
    expect(proven.firstIndex).toBe(batch.ack.firstIndex)
  })

  test("gives the receipt files of the vectors, which check", async () => {
    const proven = await checkBatchReceipt(claim)
    for (const i of batch.leaves.keys()) {
      const file = formatReceiptFile(receiptFileOf(proven, proven.firstIndex + i, certificate))
      expect(JSON.parse(file)).toEqual(vectors.files[i])
      expect((await checkReceipt(file, logVkey)).index).toBe(proven.firstIndex + i)
    }
  })

  test("gives no file of an entry that is not in it", async () => {
    const proven = await checkBatchReceipt(claim)
    const before = () => receiptFileOf(proven, proven.firstIndex - 1, certificate)
    expect(before).toThrow("invariant broken")
  })
})

describe("an acknowledgement proves nothing if it says", () => {
  const { ack, events } = claim
  const otherSeed = new Uint8Array(16).fill(9)
  const shorter = events.slice(0, -1)
  const otherEvent = events.with(3, encodeUtf8("{}"))
  const lies: [string, Partial<BatchClaim>][] = [
    ["another index", { ack: { ...ack, firstIndex: ack.firstIndex + 1 } }],
    ["an index outside the slot", { ack: { ...ack, firstIndex: 5 } }],
    ["another time", { ack: { ...ack, received: ack.received + 1 } }],
    ["another stream", { ack: { ...ack, open: ack.open + 1 } }],
    ["another sequence", { ack: { ...ack, sequence: ack.sequence + 1 } }],
    ["that the events were changed", { ack: { ...ack, changed: 1 } }],
    ["another seed", { ack: { ...ack, seed: otherSeed } }],
    ["a shorter path", { ack: { ...ack, path: ack.path.slice(1) } }],
    ["a longer path", { ack: { ...ack, path: [...ack.path, new Uint8Array(32)] } }],
    ["a path hash of 31 bytes", { ack: { ...ack, path: ack.path.with(0, new Uint8Array(31)) } }],
    ["more events than were sent", { ack: { ...ack, events: ack.events + 1 } }],
    ["more accepted than were not refused", { ack: { ...ack, accepted: ack.accepted + 1 } }],
    ["fewer accepted", { ack: { ...ack, accepted: ack.accepted - 1 } }],
    ["nothing was accepted", { ack: { ...ack, accepted: 0 }, refused: [0, 1, 2, 3, 4, 5] }],
    ["other refused positions", { refused: [1, 3] }],
    ["a refused position outside the batch", { refused: [1, 4, 6] }],
    ["a refused position twice", { refused: [1, 4, 4], ack: { ...ack, accepted: 3 } }],
    ["another event", { events: otherEvent }],
    ["an event less", { events: shorter, ack: { ...ack, events: 5, accepted: 3 } }],
  ]

  test.each(lies)("%s", async (_, lie) => {
    const checked = checkBatchReceipt({ ...claim, ...lie })
    await expect(checked).rejects.toThrow(expect.objectContaining({ code: "RECEIPT_INVALID" }))
  })

  test.each<[string, Partial<BatchClaim>]>([
    ["with a note of another key", { note: certificate }],
    ["with an empty note", { note: "" }],
    ["with the log's key for the receipt key", { receiptVkey: logVkey }],
  ])("anything %s", async (_, lie) => {
    const checked = checkBatchReceipt({ ...claim, ...lie })
    await expect(checked).rejects.toThrow(expect.objectContaining({ code: "NOTE_INVALID" }))
  })
})

test("a batch that is the whole slot is proven without a path", async () => {
  const whole = await slotOf(claim, 0, 0)
  expect(whole.ack.path).toEqual([])
  const proven = await checkBatchReceipt(whole)
  const last = receiptFileOf(proven, 3, certificate)
  expect((await checkReceipt(formatReceiptFile(last), logVkey)).index).toBe(3)
})

test("a batch behind others in the slot is proven, and each of its entries", async () => {
  for (const before of [1, 2, 3, 6, 7]) {
    const proven = await checkBatchReceipt(await slotOf(claim, 10_000, before))
    for (const i of proven.leaves.keys()) {
      const file = receiptFileOf(proven, proven.firstIndex + i, certificate)
      await checkReceipt(formatReceiptFile(file), logVkey)
    }
  }
})

/**
 * A slot at `first` in which `before` other entries stand before the batch, signed with the
 * vectors' receipt key.
 */
async function slotOf(like: BatchClaim, first: number, before: number): Promise<BatchClaim> {
  const prefix = bytes("302e020100300506032b657004220420")
  const der = Buffer.from(concatBytes(prefix, new Uint8Array(32).fill(3)))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(key).export({ format: "der", type: "spki" })
  const publicKey = new Uint8Array(spki.subarray(12))
  const name = `${receipt.origin}/receipts`
  expect(formatVkey(name, publicKey)).toBe(receiptVkey)

  const { leafHashes } = await checkBatchReceipt(claim)
  const others = new Uint8Array(32 * before).fill(before)
  const all = concatBytes(others, leafHashes)
  const count = all.length / 32
  const nodeAt = (level: number, i: number) => {
    const from = 32 * (i * 2 ** level - first)
    return rangeRoot(i * 2 ** level, all.slice(from, from + 32 * 2 ** level))
  }
  const firstIndex = first + before
  const end = first + count
  const path = firstIndex === first ? [] : rangePath(firstIndex, end, first, end, nodeAt)
  const root = rangeRoot(first, all)
  const text = formatReceiptText({ origin: receipt.origin, first, count, root })
  const signer = {
    name,
    keyId: noteKeyId(name, publicKey),
    sign: (m: Uint8Array) => sign(null, m, key),
  }
  return { ...like, ack: { ...like.ack, firstIndex, path }, note: await signNote(text, signer) }
}
