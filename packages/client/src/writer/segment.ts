import {
  close,
  constants,
  fdatasync,
  fstatSync,
  fsync,
  open,
  openSync,
  read,
  writev,
  writevSync,
} from "node:fs"
import { rm } from "node:fs/promises"
import { dirname } from "node:path"
import { promisify } from "node:util"

const openFile = promisify(open)
const closeFile = promisify(close)
const readFile = promisify(read)
const writeFile = promisify(writev)
const datasyncFile = promisify(fdatasync)
const syncFile = promisify(fsync)

const zeroChunkBytes = 262_144

/** One file of the spool: room for records, used from the beginning and, once all of them are settled, again. */
export class Segment {
  readonly path: string
  readonly capacity: number
  /** The file's length when it was opened. */
  readonly sizeThen: number
  /** Where the next record goes. */
  end = 0
  /** Records that live here: of frames of the queue, or of one that is being written. */
  records = 0
  /** Written to since the last fdatasync. */
  isDirty = false
  readonly #fd: number
  #failure: unknown
  #isClosed = false

  private constructor(path: string, capacity: number, fd: number) {
    this.path = path
    this.capacity = capacity
    this.sizeThen = fstatSync(fd).size
    this.#fd = fd
  }

  /** The file is made if it is not there, for its owner only: audit events are nobody else's business. */
  static open(path: string, capacity: number): Segment {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    return new Segment(path, capacity, fd)
  }

  /** Writes zeros over the whole file, so that its blocks are taken and a full disk cannot refuse them later. */
  async preallocate(): Promise<void> {
    const zeros = Buffer.alloc(Math.min(zeroChunkBytes, this.capacity))
    for (let at = 0; at < this.capacity; at += zeros.length) {
      await this.write([zeros.subarray(0, Math.min(zeros.length, this.capacity - at))], at)
    }
    await this.sync()
  }

  /** Writes all of the pieces, one behind the other, or throws as the file system does. What was written then is unknown. */
  async write(pieces: readonly Buffer[], at: number): Promise<void> {
    this.isDirty = true
    for (let left = pieces, from = at; left.length > 0; ) {
      const { bytesWritten } = await writeFile(this.#fd, left, from)
      left = behind(left, bytesWritten)
      from += bytesWritten
    }
  }

  /** As write(), when there is no time left to wait: the process is about to end. */
  writeNow(pieces: readonly Buffer[], at: number): void {
    for (let left = pieces, from = at; left.length > 0; ) {
      const bytesWritten = writevSync(this.#fd, left, from)
      left = behind(left, bytesWritten)
      from += bytesWritten
    }
  }

  /** As many bytes as there is room for, from `at`; fewer at the end of the file. Gives those that were read. */
  async read(at: number, to: Buffer): Promise<Buffer> {
    let done = 0
    while (done < to.length) {
      const { bytesRead } = await readFile(this.#fd, to, done, to.length - done, at + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return to.subarray(0, done)
  }

  /**
   * fdatasync. What is written meanwhile makes the segment dirty again. A failure is remembered: the kernel forgets
   * which pages it could not write, so a later success would say nothing about these records.
   */
  async sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.isDirty = false
    if (this.#isClosed) return
    try {
      await datasyncFile(this.#fd)
    } catch (error) {
      this.isDirty = true
      this.#failure = error
      throw error
    }
  }

  /** Nothing is in it, and nothing was written to it: the next record may go to its beginning. */
  get isFree(): boolean {
    return this.end === 0 && this.records === 0
  }

  /** Ready for new records from the beginning; what it holds is settled. */
  reuse(): void {
    this.end = 0
    this.#failure = undefined
  }

  /** Never twice, also if it fails: the descriptor may belong to another file by then. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await closeFile(this.#fd)
  }

  /** Takes the file away; what is open stays open. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true })
  }
}

/** What is left of pieces of which so many bytes are written. */
function behind(pieces: readonly Buffer[], written: number): readonly Buffer[] {
  let skip = written
  let first = 0
  for (; first < pieces.length; first++) {
    const { length } = pieces[first] as Buffer
    if (skip < length) return [(pieces[first] as Buffer).subarray(skip), ...pieces.slice(first + 1)]
    skip -= length
  }
  return []
}

/** Makes names durable: of files that were made in, or removed from, the directory of `path`. */
export async function syncDirectoryOf(path: string): Promise<void> {
  if (process.platform === "win32") return // Directories cannot be opened there; NTFS journals names by itself.
  const fd = await openFile(dirname(path), "r")
  try {
    await syncFile(fd)
  } finally {
    await closeFile(fd)
  }
}
