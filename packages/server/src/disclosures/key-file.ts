import { PosternError } from "@postern/log/base"
import {
  diskError,
  type FileSystem,
  type OpenFile,
  readAll,
  replaceFile,
  syncFile,
  writeAll,
} from "../disk/index.ts"
import {
  decodeHeader,
  decodeRecord,
  encodeHeader,
  headerBytes,
  type KeyHeader,
  type KeyRecord,
  recordBytes,
} from "./key-record.ts"

/** Records that are read or written at a time: some milliseconds of work with each of them. */
export const recordsAtOnce = 512

/** The file of wrapped keys: records one after the other, each at the place of its number. */
export class KeyFile {
  readonly header: KeyHeader
  readonly #file: OpenFile
  #count: number
  readonly #one = Buffer.alloc(recordBytes)

  constructor(header: KeyHeader, file: OpenFile, count: number) {
    this.header = header
    this.#file = file
    this.#count = count
  }

  /** Makes an empty one, durable. Errors: DISK_FULL, DISK_FAILED. */
  static async create(path: string, header: KeyHeader, files: FileSystem): Promise<KeyFile> {
    await replaceFile(path, encodeHeader(header), files)
    const file = await files.open(path, { access: "write" }).catch((error) => {
      throw diskError(error)
    })
    return new KeyFile(header, file, 0)
  }

  /**
   * Opens the one that is there; undefined if there is none. A torn tail is cut off: nothing was sealed with what a flush did not end.
   * @param found called with each record, in order @throws PosternError LOG_DAMAGED if it is no such file · DISK_FAILED
   */
  static async open(
    path: string,
    files: FileSystem,
    found: (record: KeyRecord) => void,
  ): Promise<KeyFile | undefined> {
    const file = await openIfAny(path, files, "write")
    if (file === undefined) return undefined
    try {
      const opened = new KeyFile(await readHeader(file, path), file, Number.POSITIVE_INFINITY)
      let count = 0
      for await (const { record, number } of opened.records(0)) {
        if (record === undefined) continue
        count = number + 1
        found(record)
      }
      opened.#count = count
      if ((await file.size()) > placeOf(count)) await file.truncate(placeOf(count))
      return opened
    } catch (error) {
      await file.close()
      throw error instanceof PosternError ? error : diskError(error)
    }
  }

  /** For records whose numbers are known; looks at nothing else. Undefined if there is no such file. Errors: LOG_DAMAGED, DISK_FAILED. */
  static async openToRead(path: string, files: FileSystem): Promise<KeyFile | undefined> {
    const file = await openIfAny(path, files, "read")
    if (file === undefined) return undefined
    try {
      return new KeyFile(await readHeader(file, path), file, Number.POSITIVE_INFINITY)
    } catch (error) {
      await file.close()
      throw error instanceof PosternError ? error : diskError(error)
    }
  }

  /** Records that are durable; the next one has this number. */
  get count(): number {
    return this.#count
  }

  /** Undefined where there is none, or none that is whole. On this thread; the bytes hold until the next call. Errors: DISK_FAILED. */
  record(number: number): { readonly record: KeyRecord; readonly bytes: Buffer } | undefined {
    if (number >= this.#count) return undefined
    try {
      const read = this.#file.readNow(this.#one, recordBytes, placeOf(number))
      if (read < recordBytes) return undefined
    } catch (error) {
      throw diskError(error)
    }
    const record = decodeRecord(this.#one, number)
    return record && { record, bytes: this.#one }
  }

  /** From a number on, whole or not. The bytes hold until the next one is asked for. */
  async *records(
    from: number,
  ): AsyncGenerator<{ number: number; record: KeyRecord | undefined; bytes: Buffer }> {
    const chunk = Buffer.alloc(recordsAtOnce * recordBytes)
    for (let first = from; first < this.#count; first += recordsAtOnce) {
      const wanted = Math.min(recordsAtOnce, this.#count - first) * recordBytes
      const read = await readAll(this.#file, chunk.subarray(0, wanted), placeOf(first))
      for (let at = 0; at + recordBytes <= read; at += recordBytes) {
        const number = first + at / recordBytes
        const bytes = chunk.subarray(at, at + recordBytes)
        yield { number, record: decodeRecord(bytes, number), bytes }
      }
      if (read < wanted) return
    }
  }

  /**
   * Writes the last records once more and makes the file durable: they may be in memory only, because the process before was killed, or
   * because a sync had failed it. Errors: DISK_FULL, DISK_FAILED.
   */
  async writeAgain(records: number): Promise<void> {
    const from = Math.max(0, this.#count - records)
    const bytes = Buffer.alloc((this.#count - from) * recordBytes)
    await readAll(this.#file, bytes, placeOf(from))
    await this.write(bytes, from)
    await syncFile(this.#file)
  }

  /** Appends whole records, durable. Errors: DISK_FULL (the same call may be repeated), DISK_FAILED. */
  async append(records: Uint8Array): Promise<void> {
    await this.write(records, this.#count)
    await syncFile(this.#file)
    this.#count += records.length / recordBytes
  }

  /** For a file that nobody reads yet: not durable, not counted. Errors: DISK_FULL, DISK_FAILED. */
  async write(records: Uint8Array, number: number): Promise<void> {
    await writeAll(this.#file, records, placeOf(number)).catch((error) => {
      throw diskError(error)
    })
  }

  /** Everything that was written is durable and counts. Errors: DISK_FAILED. */
  async settle(count: number): Promise<void> {
    await syncFile(this.#file)
    this.#count = count
  }

  /** The file itself, for whoever destroys it or is done with it. */
  release(): OpenFile {
    return this.#file
  }
}

function placeOf(number: number): number {
  return headerBytes + number * recordBytes
}

async function readHeader(file: OpenFile, path: string): Promise<KeyHeader> {
  const bytes = Buffer.alloc(headerBytes)
  await readAll(file, bytes, 0)
  const header = decodeHeader(bytes)
  if (header !== undefined) return header
  throw new PosternError("LOG_DAMAGED", `${path} is not a file of wrapped keys`)
}

async function openIfAny(
  path: string,
  files: FileSystem,
  access: "read" | "write",
): Promise<OpenFile | undefined> {
  try {
    const there = await files.open(path, { access: "read" })
    if (access === "read") return there
    await there.close()
    return await files.open(path, { access })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw diskError(error)
  }
}
