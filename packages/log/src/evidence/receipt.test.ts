import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import {
  decodeUtf8,
  encodeUtf8,
  formatBase64,
  formatHex,
  isPosternError,
  parseHex,
} from "../base/index.ts"
import {
  checkReceipt,
  formatReceiptCertificateText,
  formatReceiptFile,
  formatReceiptText,
  openReceipt,
  openReceiptCertificate,
  parseReceiptCertificateText,
  parseReceiptFile,
  parseReceiptText,
} from "./index.ts"

type FileMembers = Record<string, unknown>

interface Vectors {
  logVkey: string
  receiptVkey: string
  certificate: string
  receipt: {
    origin: string
    first: number
    count: number
    root: string
    text: string
    note: string
  }
  files: FileMembers[]
  badFiles: { name: string; code: string; file: FileMembers }[]
}

const url = new URL("../../../../docs/spec/vectors/receipts.json", import.meta.url)
const vectors = JSON.parse(readFileSync(url, "utf8")) as Vectors
const { logVkey, receiptVkey, certificate, receipt, files, badFiles } = vectors
const [file = {}] = files
const anyHash = formatBase64(new Uint8Array(32))
const invalid = expect.objectContaining({ code: "RECEIPT_INVALID" })

describe("the text of a receipt", () => {
  test("is the one of the vectors, both ways", async () => {
    const { origin, first, count, root, text, note } = receipt
    const bytes = parseHex(root) as Uint8Array
    expect(formatReceiptText({ origin, first, count, root: bytes })).toBe(text)
    for (const parsed of [parseReceiptText(text), await openReceipt(note, receiptVkey)]) {
      expect({ ...parsed, root: formatHex(parsed.root) }).toEqual({ origin, first, count, root })
    }
  })

  test.each(["99999999999999 2", "100000000000000 1", "0 100000000000001", "0 0", "1", "1 1 1"])(
    "with the range %j is refused",
    (range) => {
      const text = receipt.text.replace("998 9", range)
      expect(() => parseReceiptText(text)).toThrow(invalid)
    },
  )

  test.each(["99999999999999 1", "0 100000000000000", "0 1"])("may have the range %j", (range) => {
    const text = receipt.text.replace("998 9", range)
    expect(formatReceiptText(parseReceiptText(text))).toBe(text)
  })

  test("whatever text comes, is one or RECEIPT_INVALID", () => {
    const { text } = receipt
    const change = fc.tuple(fc.nat(text.length), fc.nat(2), fc.string({ maxLength: 3 }))
    fc.assert(
      fc.property(change, ([at, drop, put]) => {
        const mutated = text.slice(0, at) + put + text.slice(at + drop)
        try {
          expect(formatReceiptText(parseReceiptText(mutated))).toBe(mutated)
        } catch (error) {
          if (!isPosternError(error)) throw error
          expect(error.code).toBe("RECEIPT_INVALID")
        }
      }),
    )
  })
})

describe("the certificate of a receipt key", () => {
  test("gives the key to one who knows the log's", async () => {
    expect(await openReceiptCertificate(certificate, logVkey)).toBe(receiptVkey)
  })

  test("has the text of the vectors", () => {
    const text = formatReceiptCertificateText(receipt.origin, receiptVkey)
    expect(certificate.startsWith(`${text}\n—`)).toBe(true)
    expect(parseReceiptCertificateText(text)).toEqual({ origin: receipt.origin, receiptVkey })
  })

  test("does not open with another key", async () => {
    const opened = openReceiptCertificate(certificate, receiptVkey)
    await expect(opened).rejects.toThrow(expect.objectContaining({ code: "NOTE_INVALID" }))
  })
})

describe("a receipt file", () => {
  test.each(files)("proves entry $index, parsed or as text, however it is set", async (good) => {
    for (const given of [good, JSON.stringify(good), JSON.stringify(good, null, 2)]) {
      const { index, leaf } = await checkReceipt(given, logVkey)
      expect(index).toBe(good.index)
      expect(decodeUtf8(leaf)).toBe(good.leaf)
    }
  })

  test("is written as it was read", () => {
    expect(formatReceiptFile(parseReceiptFile(file))).toBe(JSON.stringify(file))
  })

  test.each(badFiles)("proves nothing: $name", async ({ code, file: bad }) => {
    const refusal = expect.objectContaining({ code })
    await expect(checkReceipt(bad, logVkey)).rejects.toThrow(refusal)
    await expect(checkReceipt(JSON.stringify(bad), logVkey)).rejects.toThrow(refusal)
  })

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a number", 5],
    ["a list", [file]],
    ["bytes", encodeUtf8(JSON.stringify(file))],
    ["an empty text", ""],
    ["a text that is not JSON", "{"],
    ["two files", JSON.stringify(file).repeat(2)],
    ["a very long text", `${JSON.stringify(file)}${" ".repeat(1_000_000)}`],
    ["a leaf over 65,535 bytes", { ...file, leaf: "x".repeat(65_536) }],
    ["a leaf over 65,535 bytes in UTF-8", { ...file, leaf: "ü".repeat(32_768) }],
    ["half a surrogate pair", { ...file, leaf: "\ud800" }],
    ["a path of 256 hashes", { ...file, path: new Array(256).fill(anyHash) }],
    ["a path that only looks like a list", { ...file, path: { length: 0 } }],
  ])("is not %s", async (_, given) => {
    expect(() => parseReceiptFile(given)).toThrow(invalid)
    await expect(checkReceipt(given, logVkey)).rejects.toThrow(invalid)
  })

  test("proves nothing under another log's key", async () => {
    const refusal = expect.objectContaining({ code: "NOTE_INVALID" })
    await expect(checkReceipt(file, receiptVkey)).rejects.toThrow(refusal)
  })

  test("with any character changed proves the same entry or fails by code", async () => {
    const text = JSON.stringify(file)
    const change = fc.tuple(fc.nat(text.length), fc.nat(1), fc.string({ maxLength: 1 }))
    const property = fc.asyncProperty(change, async ([at, drop, put]) => {
      const mutated = text.slice(0, at) + put + text.slice(at + drop)
      try {
        const { index, leaf } = await checkReceipt(mutated, logVkey)
        expect([index, decodeUtf8(leaf)]).toEqual([file.index, file.leaf])
      } catch (error) {
        if (!isPosternError(error)) throw error
      }
    })
    await fc.assert(property, { numRuns: 300 })
  })
})
