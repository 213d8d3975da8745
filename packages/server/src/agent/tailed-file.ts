import { constants } from "node:fs"
import { type FileHandle, open, stat } from "node:fs/promises"
import type { Format } from "../formats/index.ts"
import { Decoding } from "./decoding.ts"
import { CleanPoint, type FileMark, type FilePlace } from "./positions/index.ts"
import type { Outgoing } from "./pressure/index.ts"
import { LineSplitter, recordBytesMax } from "./records/index.ts"
import { isCompressed, judgeFile, printBytes, printOf } from "./tail/index.ts"

export interface TailPace {
  /** A file whose path names another one by now is read to its end, and for so long. */
  readonly leftMs: number
  /** A decoder that was given nothing for so long gives what it holds. */
  readonly idleMs: number
}

const nul = 0

export interface TailOptions {
  readonly id: number
  readonly path: string
  readonly source: string
  readonly format: Format | undefined
  readonly pace: TailPace
}

/** What a file gave just now. */
export interface Progress {
  readonly place: FilePlace
  readonly items: readonly Outgoing[]
  /** The file begins anew: what was written down of it before is of no use any more. */
  readonly isAnew: boolean
}

/** An open file that grows. */
export class TailedFile {
  readonly id: number
  /** Its newest name. */
  path: string
  readonly inode: string
  readonly #options: TailOptions
  readonly #handle: FileHandle
  readonly #splitter: LineSplitter
  #decoding: Decoding
  #point: CleanPoint
  /** Events that were handed on before this process began: they come once more, and are left out. */
  #toSkip = 0
  #items: Outgoing[] = []
  /** Where the next read begins. */
  #read: number
  /** As it was seen last; and what of that surely was the same file's, since its bytes were seen to be the same later. */
  #size = 0
  #ownSize = 0
  #head: Buffer = Buffer.alloc(0)
  #tail: Buffer = Buffer.alloc(0)
  #passesNuls = false
  #grewMs = performance.now()
  #leftSinceMs: number | undefined

  /** Undefined if it is no file, or a compressed one. Errors: those of node:fs. */
  static async open(options: TailOptions): Promise<TailedFile | undefined> {
    // A pipe that nobody writes into would hold up the process for ever; then it is no file.
    const handle = await open(options.path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const seen = await handle.stat({ bigint: true })
      const isFile = seen.isFile()
      const head = isFile ? await readAt(handle, 0, printBytes) : Buffer.alloc(0)
      if (isFile && !isCompressed(head)) {
        return new TailedFile(options, handle, inodeOf(seen), Number(seen.size))
      }
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    return undefined
  }

  private constructor(options: TailOptions, handle: FileHandle, inode: string, size: number) {
    this.id = options.id
    this.path = options.path
    this.inode = inode
    this.#options = options
    this.#handle = handle
    this.#size = size
    this.#point = new CleanPoint(0)
    this.#read = 0
    this.#splitter = new LineSplitter({
      record: (bytes) => this.#take(bytes),
      tooLong: (bytes) => this.#tooLong(bytes),
    })
    this.#decoding = this.#openDecoding(options.format)
  }

  #openDecoding(format: Format | undefined): Decoding {
    return new Decoding(this.#options.source, format, (event, originalBytes) => {
      this.#point.give(1, originalBytes + 1)
      if (this.#toSkip > 0) this.#toSkip -= 1
      else this.#items.push(event)
    })
  }

  /** Bytes that wait to be read, as far as is known. */
  get lagBytes(): number {
    return Math.max(0, this.#size - this.#read)
  }

  get read(): number {
    return this.#read
  }

  get size(): number {
    return this.#size
  }

  /** Goes on where an earlier process was; false if this is not that file. @param format the one that it had recognised */
  async resume(
    { offset, skip, print, printedAt }: FileMark,
    format: Format | undefined,
  ): Promise<boolean> {
    if (this.#size < Math.max(offset, printedAt)) return false
    if ((await this.printAt(printedAt)) !== print) return false
    if (format !== undefined) this.#decoding = this.#openDecoding(format)
    await this.startAt(offset, skip)
    return true
  }

  async startAt(offset: number, skip = 0): Promise<void> {
    this.#read = offset
    this.#toSkip = skip
    this.#point = new CleanPoint(offset)
    this.#head = await readAt(this.#handle, 0, Math.min(offset, printBytes))
    const before = Math.min(offset, printBytes)
    this.#tail = await readAt(this.#handle, offset - before, before)
  }

  /** Behind the last line that is complete now. */
  async startAtEnd(): Promise<void> {
    const bytes = Math.min(this.#size, 65_536)
    const end = await readAt(this.#handle, this.#size - bytes, bytes)
    const after = end.lastIndexOf(0x0a) + 1
    await this.startAt(after === 0 ? this.#size : this.#size - end.length + after)
  }

  /** Whether the other file begins with what was read of this one: a copy, made before this one is cut. */
  async isCopiedBy(other: TailedFile): Promise<boolean> {
    if (this.#read === 0 || other.#size < this.#read) return false
    return (await other.printAt(this.#read)) === printOf(this.#head, this.#tail)
  }

  async printAt(offset: number): Promise<string> {
    const bytes = Math.min(offset, printBytes)
    const head = await readAt(this.#handle, 0, bytes)
    return printOf(head, await readAt(this.#handle, offset - bytes, bytes))
  }

  /** What a snapshot says of it. */
  async mark(): Promise<FileMark> {
    const { id, path, inode } = this
    const place = this.#place
    const { offset: printedAt } = place
    return { id, path, inode, ...place, print: await this.printAt(printedAt), printedAt }
  }

  get #place(): FilePlace {
    const { offset, skip } = this.#point
    const { format } = this.#decoding
    return { offset, skip: skip + this.#toSkip, ...(format === undefined ? {} : { format }) }
  }

  /** Reads on, up to a buffer full. Undefined at the end of what is there. */
  async next(buffer: Buffer): Promise<Progress | undefined> {
    // With the bytes that were read last: they tell whether it is still the file that it was.
    const before = this.#tail.length
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#read - before)
    const isSame = bytesRead >= before && this.#tail.equals(buffer.subarray(0, before))
    if (isSame) this.#ownSize = this.#size
    if (!isSame || bytesRead === before) return this.#look(isSame)
    this.#hear(buffer.subarray(before, bytesRead))
    return this.#progress()
  }

  #hear(chunk: Buffer): void {
    this.#remember(chunk)
    this.#read += chunk.length
    this.#size = Math.max(this.#size, this.#read)
    this.#grewMs = performance.now()
    this.#decoding.stamp()
    this.#splitter.push(this.#withoutHole(chunk))
    if (this.#point.isTooMuch) this.#release()
  }

  /** A file that was cut while its writer's place in it stayed has a hole at its beginning. */
  #withoutHole(chunk: Buffer): Buffer {
    if (!this.#passesNuls) return chunk
    let hole = 0
    while (hole < chunk.length && chunk[hole] === nul) hole += 1
    this.#passesNuls = hole === chunk.length
    this.#point.pass(hole)
    if (!this.#point.holds) this.#point.clear()
    return chunk.subarray(hole)
  }

  #remember(chunk: Buffer): void {
    if (this.#head.length < printBytes) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, printBytes - this.#head.length)])
    }
    this.#tail =
      chunk.length >= printBytes
        ? Buffer.from(chunk.subarray(-printBytes))
        : Buffer.concat([this.#tail, chunk]).subarray(-printBytes)
  }

  /** At an end: what became of it. */
  async #look(isSame: boolean): Promise<Progress | undefined> {
    const sizeBefore = this.#ownSize
    const { size } = await this.#handle.stat()
    this.#size = size
    const seen = { size, sizeBefore, read: this.#read, isSame, inode: this.inode }
    const judged = judgeFile({ ...seen, inodeAtPath: await inodeAt(this.path) })
    if (judged.kind === "cut") return this.#cut(judged.isLost)
    if (judged.kind === "here") this.#leftSinceMs = undefined
    else this.#leftSinceMs ??= performance.now()
    return undefined
  }

  /** Begins anew; what was begun is given as it is. */
  #cut(isLost: boolean): Progress {
    const at = this.#read
    this.#endRecord()
    this.#release()
    this.#toSkip = 0
    if (isLost) {
      const reason = `${this.path} was cut, and what stood behind byte ${at} had not been read`
      this.#items.push({ lost: 1, reason })
    }
    this.#point = new CleanPoint(0)
    this.#read = 0
    this.#ownSize = 0
    this.#head = Buffer.alloc(0)
    this.#tail = Buffer.alloc(0)
    this.#passesNuls = true
    return { ...this.#progress(), isAnew: true }
  }

  #take(record: Uint8Array): void {
    this.#point.take(record.length + 1)
    this.#decoding.take(record)
    this.#point.settle()
  }

  #tooLong(bytes: number): void {
    const at = this.#point.end
    this.#point.pass(bytes + 1)
    this.#point.give(1, 0)
    if (!this.#point.holds) this.#point.clear()
    const reason = `a record of ${bytes} bytes in ${this.path} at ${at}; ${recordBytesMax} are taken`
    if (this.#toSkip > 0) this.#toSkip -= 1
    else this.#items.push({ lost: 1, reason })
  }

  #endRecord(): void {
    this.#splitter.end()
  }

  #release(): void {
    this.#decoding.end()
    this.#point.clear()
  }

  /**
   * To be called when there is nothing to read: what was held too long is given. Undefined if there is none.
   * @param isFinished nothing more comes: what was begun is given as it is
   */
  rest(isFinished: boolean): Progress | undefined {
    const quietMs = performance.now() - this.#grewMs
    if (isFinished) this.#endRecord()
    else if (quietMs < this.#options.pace.idleMs || !this.#point.holds) return undefined
    this.#release()
    return this.#progress()
  }

  /** Its path names another file by now, or none. */
  get isLeft(): boolean {
    return this.#leftSinceMs !== undefined
  }

  /** It was found under another name: it goes on being read. */
  moveTo(path: string): void {
    this.path = path
    this.#leftSinceMs = undefined
  }

  /**
   * It has no name that anybody knows, was read to its end, and did not grow for a while.
   * @param listedMs when the directories were listed last: one that was renamed since must be found, or it would be read as a new one
   */
  isFinished(listedMs: number): boolean {
    const now = performance.now()
    const { leftMs } = this.#options.pace
    if (this.#leftSinceMs === undefined || listedMs <= this.#leftSinceMs) return false
    return now - this.#leftSinceMs >= leftMs && now - this.#grewMs >= leftMs
  }

  #progress(): Progress {
    const items = this.#items
    this.#items = []
    return { place: this.#place, items, isAnew: false }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** What a file is known by as long as it is open. */
export function inodeOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  return `${dev}:${ino}`
}

async function readAt(handle: FileHandle, at: number, bytes: number): Promise<Buffer> {
  if (bytes === 0) return Buffer.alloc(0)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, at)
  return buffer.subarray(0, bytesRead)
}

async function inodeAt(path: string): Promise<string | undefined> {
  try {
    return inodeOf(await stat(path, { bigint: true }))
  } catch {
    return undefined // Nothing is there now.
  }
}
