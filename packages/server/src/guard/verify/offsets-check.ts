import { type FileHandle, open } from "node:fs/promises"
import { basename } from "node:path"
import { type ReadSlot, segmentPath } from "../../disk/index.ts"
import type { DirectoryDraft } from "./checks.ts"

const rowBytes = 8
const everyEntries = 256

/** The offsets file of each segment against where its slots and records stand. */
export class OffsetsCheck {
  readonly #directory: string
  readonly #draft: DirectoryDraft
  #segment: number | undefined
  #file: FileHandle | undefined

  constructor(directory: string, draft: DirectoryDraft) {
    this.#directory = directory
    this.#draft = draft
  }

  /** @param leaves the slot's, views of its records */
  async check(slot: ReadSlot, leaves: readonly Uint8Array[], segmentFirst: number): Promise<void> {
    const { header, records, at } = slot
    const relative = header.first - segmentFirst
    const firstRow = Math.ceil(relative / everyEntries)
    const expected: number[] = []
    for (
      let entry = firstRow * everyEntries - relative;
      entry < leaves.length;
      entry += everyEntries
    ) {
      const leaf = leaves[entry] as Uint8Array
      expected.push(leaf.byteOffset - records.byteOffset - 2)
    }
    if (expected.length === 0) return
    this.#draft.count("offsets", expected.length)
    const found = await this.#read(segmentFirst, firstRow, expected.length)
    for (const [i, offset] of expected.entries()) {
      const row = i * rowBytes
      const there = row + rowBytes <= found.length
      if (there && found.readUInt32BE(row) === at && found.readUInt32BE(row + 4) === offset)
        continue
      const where = `${this.#name(segmentFirst)} row ${firstRow + i}`
      const what = there ? "it points elsewhere" : "the file ends before it"
      this.#draft.fail("offsets", "offset", where, what)
    }
  }

  async #read(segmentFirst: number, row: number, count: number): Promise<Buffer> {
    if (this.#segment !== segmentFirst) {
      await this.close()
      this.#segment = segmentFirst
      const path = segmentPath(this.#directory, segmentFirst, "offsets")
      this.#file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error
        return undefined
      })
    }
    if (this.#file === undefined) return Buffer.alloc(0)
    const bytes = Buffer.alloc(count * rowBytes)
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, row * rowBytes)
    return bytes.subarray(0, bytesRead)
  }

  #name(segmentFirst: number): string {
    return basename(segmentPath(this.#directory, segmentFirst, "offsets"))
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    this.#segment = undefined
  }
}
