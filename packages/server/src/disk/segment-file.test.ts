import { readFileSync, statSync, writeFileSync } from "node:fs"
import { afterEach, describe, expect, test } from "vitest"
import { alignedZeros } from "./aligned.ts"
import { diskError, openSegmentFile } from "./segment-file.ts"
import { newDirectory, removeDirectories } from "./slots.test.support.ts"

afterEach(removeDirectories)

const megabyte = 1 << 20

function filled(bytes: number, value: number): Uint8Array {
  return alignedZeros(bytes).fill(value)
}

describe("a segment file", () => {
  test("holds what was written, at its place, with zeros written ahead of it", async () => {
    const path = newDirectory()
    const file = await openSegmentFile(path, 64 * megabyte)
    await file.write(filled(8192, 1), 0)
    await file.write(filled(4096, 2), 8192)
    await file.close()
    const bytes = readFileSync(path)
    expect(bytes.length).toBeGreaterThanOrEqual(4 * megabyte)
    expect(bytes.subarray(0, 8192).every((byte) => byte === 1)).toBe(true)
    expect(bytes.subarray(8192, 12_288).every((byte) => byte === 2)).toBe(true)
    expect(bytes.subarray(12_288).every((byte) => byte === 0)).toBe(true)
  })

  test("is not written ahead beyond its bound", async () => {
    const path = newDirectory()
    const file = await openSegmentFile(path, 4 * megabyte)
    await file.write(filled(4096, 1), 0)
    await file.close()
    expect(statSync(path).size).toBe(4096)
  })

  test("keeps what is written while zeros are being written ahead of it", async () => {
    const path = newDirectory()
    const file = await openSegmentFile(path, 64 * megabyte)
    let at = 0
    for (let value = 1; value <= 12; value++) {
      await file.write(filled(megabyte, value), at)
      at += megabyte
    }
    await file.close()
    const bytes = readFileSync(path)
    for (let value = 1; value <= 12; value++) {
      const part = bytes.subarray((value - 1) * megabyte, value * megabyte)
      expect(part.every((byte) => byte === value)).toBe(true)
    }
  })

  test("is written over where a life before had written ahead", async () => {
    const path = newDirectory()
    writeFileSync(path, Buffer.alloc(10_000, 9)) // Not even a multiple of a block.
    const file = await openSegmentFile(path, 64 * megabyte)
    await file.write(filled(4096, 1), 4096)
    await file.close()
    const bytes = readFileSync(path)
    expect(bytes.subarray(0, 4096).every((byte) => byte === 9)).toBe(true)
    expect(bytes.subarray(4096, 8192).every((byte) => byte === 1)).toBe(true)
  })
})

describe.skipIf(process.platform !== "linux")("a device that does not do what it should", () => {
  test("is full, again and again, without having failed", async () => {
    const file = await openSegmentFile("/dev/full", 64 * megabyte)
    for (let i = 0; i < 3; i++) {
      const writing = file.write(filled(4096, 1), 0)
      await expect(writing).rejects.toMatchObject({ code: "DISK_FULL" })
    }
    await file.close()
  })

  test("has failed if it cannot sync what it took", async () => {
    const file = await openSegmentFile("/dev/null", 64 * megabyte)
    const writing = file.write(filled(4096, 1), 0)
    await expect(writing).rejects.toMatchObject({
      code: "DISK_FAILED",
      detail: "fdatasync: EINVAL",
    })
    await file.close()
  })
})

test.each([
  ["ENOSPC", "DISK_FULL"],
  ["EDQUOT", "DISK_FULL"],
  ["EIO", "DISK_FAILED"],
  ["EBADF", "DISK_FAILED"],
  ["EROFS", "DISK_FAILED"],
])("%s is %s", (code, expected) => {
  expect(diskError(Object.assign(new Error(code), { code })).code).toBe(expected)
})

test("memory for direct I/O begins at a page and is zero", () => {
  const zeros = alignedZeros(70_000)
  expect(zeros.length).toBe(70_000)
  expect(zeros.byteOffset % 4096).toBe(0)
  expect(zeros.every((byte) => byte === 0)).toBe(true)
})
