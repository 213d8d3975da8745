import { PosternError } from "@postern/log/base"
import { type FileSystem, type OpenFile, readFileIfAny } from "./file-system.ts"
import { decodeHead, headBytes } from "./head-record.ts"
import {
  filePath,
  hashesPath,
  listSegments,
  openLogDirectory,
  segmentPath,
} from "./log-directory.ts"
import type { Head, LogView } from "./log-view.ts"
import { nodeFiles } from "./node-files.ts"
import { type KeptEntry, prunedError, readPruned } from "./pruned.ts"
import { SegmentReader } from "./segment-reader.ts"

const pollMs = 200
const gatherMs = 2
const openSegmentsMax = 32

/** Opens the log read-only and follows its head. Never sees anything behind it. Errors: NOT_FOUND, LOG_FORMAT. */
export async function followLog(path: string, files: FileSystem = nodeFiles): Promise<LogView> {
  const { origin } = await openLogDirectory(path, undefined, files)
  const follower = new Follower(path, origin, files)
  try {
    await follower.start()
  } catch (error) {
    await follower.close()
    throw error
  }
  return follower
}

class Follower implements LogView {
  readonly origin: string
  readonly #path: string
  readonly #files: FileSystem
  readonly #listeners = new Set<(head: Head) => void>()
  readonly #segments = new Map<number, SegmentReader>()
  readonly #hashes = new Map<number, Promise<OpenFile>>()
  #firsts: number[] = []
  /** Entries below the minimum that are there all the same. */
  #kept: ReadonlyMap<number, Uint8Array> = new Map()
  #headFile: OpenFile | undefined
  #head: Head | undefined
  #watcher: { close(): void } | undefined
  #poll: NodeJS.Timeout | undefined
  #gather: NodeJS.Timeout | undefined
  /** The look at the head that is under way, or the last one. */
  #looking: Promise<void> = Promise.resolve()

  constructor(path: string, origin: string, files: FileSystem) {
    this.#files = files
    this.#path = path
    this.origin = origin
  }

  async start(): Promise<void> {
    this.#headFile = await this.#files
      .open(filePath(this.#path, "head"), { access: "read" })
      .catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== "ENOENT") throw cause
        throw new PosternError("NOT_FOUND", "the log has no entry yet", { cause })
      })
    await this.#refresh()
    if (this.#head === undefined) throw new PosternError("NOT_FOUND", "the log has no entry yet")
    // Change notices are a courtesy of the kernel and may be lost; the slow poll is what is relied on.
    this.#watcher = this.#files.watch(filePath(this.#path, "head"), () => this.#soon())
    this.#poll = setInterval(() => this.#soon(), pollMs)
    this.#poll.unref()
  }

  #soon(): void {
    this.#gather ??= setTimeout(() => {
      this.#gather = undefined
      void this.#refresh()
    }, gatherMs)
  }

  /** One look after the other: what an earlier one saw must not replace what a later one did. */
  #refresh(): Promise<void> {
    const look = this.#looking.then(() => this.#look())
    // Whoever asked is told; the next one looks again.
    this.#looking = look.catch(() => undefined)
    return look
  }

  async #look(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (this.#headFile === undefined) return
      const record = new Uint8Array(headBytes)
      await this.#headFile.read(record, 0, headBytes, 0)
      const head = decodeHead(record)
      if (head === undefined) continue // Torn by a write in progress: read again.
      const minimum = this.#head?.minimum ?? 0
      if (head.minimum > minimum) await this.#forget(head.minimum)
      if (this.#head === undefined || head.size > this.#head.size || head.minimum > minimum) {
        this.#head = head
        for (const listener of this.#listeners) listener(head)
      }
      return
    }
  }

  head(): Head {
    if (this.#head === undefined) throw new PosternError("NOT_FOUND", "the log has no entry yet")
    return this.#head
  }

  onHead(listener: (head: Head) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  checkpoint(): Promise<string | undefined> {
    return this.#note("checkpoint")
  }

  witnessed(): Promise<string | undefined> {
    return this.#note("witnessed")
  }

  async keys(): Promise<string> {
    return (await this.#note("keys")) ?? ""
  }

  async #note(name: "checkpoint" | "witnessed" | "keys"): Promise<string | undefined> {
    return (await readFileIfAny(this.#files, filePath(this.#path, name)))?.toString("utf8")
  }

  async leaves(
    from: number,
    to: number,
    bytesMax = Number.MAX_SAFE_INTEGER,
  ): Promise<Uint8Array[]> {
    if (from < 0 || from > to || to > this.head().size) {
      throw new PosternError("NOT_FOUND", `entries ${from} to ${to} of ${this.head().size}`)
    }
    const leaves: Uint8Array[] = []
    let left = bytesMax
    let at = from
    for (const { minimum } = this.head(); at < Math.min(to, minimum); at++) {
      const kept = this.#kept.get(at)
      if (kept === undefined) throw prunedError(at, minimum)
      leaves.push(kept.slice())
    }
    while (at < to && (left > 0 || leaves.length === 0)) {
      const part = await this.#unlessPruned(at, async () => {
        const { reader, end } = await this.#segmentOf(at)
        return reader.leaves(at, Math.min(to, end), left)
      })
      for (const leaf of part) left -= leaf.length
      leaves.push(...part)
      at += part.length
    }
    return leaves
  }

  kept(): readonly KeptEntry[] {
    return [...this.#kept].map(([index, leaf]) => ({ index, leaf: leaf.slice() }))
  }

  /** Files go while they are looked for; then one entry of them may be there all the same. */
  async #unlessPruned(index: number, read: () => Promise<Uint8Array[]>): Promise<Uint8Array[]> {
    try {
      return await read()
    } catch (error) {
      await this.#refresh()
      const { minimum } = this.head()
      if (index >= minimum) throw error
      const kept = this.#kept.get(index)
      if (kept === undefined) throw prunedError(index, minimum)
      return [kept.slice()]
    }
  }

  /** The log begins later than before. */
  async #forget(minimum: number): Promise<void> {
    const { kept } = (await readPruned(this.#path, this.#files)) ?? { kept: [] }
    this.#kept = new Map(kept.map(({ index, leaf }) => [index, leaf]))
    this.#firsts = []
    for (const [first, reader] of this.#segments) {
      if (first >= minimum) continue
      this.#segments.delete(first)
      await reader.release()
    }
  }

  async hashes(level: number, from: number, to: number): Promise<Uint8Array> {
    if (from < 0 || from > to || to > Math.floor(this.head().size / 256 ** level)) {
      throw new PosternError("NOT_FOUND", `hashes ${from} to ${to} of tile level ${level}`)
    }
    const bytes = Buffer.alloc((to - from) * 32)
    if (bytes.length === 0) return bytes
    let file = this.#hashes.get(level)
    if (file === undefined) {
      file = this.#files.open(hashesPath(this.#path, level), { access: "read" })
      this.#hashes.set(level, file)
      file.catch(() => this.#hashes.delete(level))
    }
    const bytesRead = await (await file).read(bytes, 0, bytes.length, from * 32)
    if (bytesRead !== bytes.length)
      throw new PosternError("LOG_DAMAGED", `hashes/${level} is short`)
    return bytes
  }

  async #segmentOf(index: number): Promise<{ reader: SegmentReader; end: number }> {
    const { segment, minimum } = this.head()
    if (segment > (this.#firsts.at(-1) ?? -1)) {
      const firsts = await listSegments(this.#path, this.#files)
      this.#firsts = firsts.filter((first) => first >= minimum)
      this.#reopenAll()
    }
    let low = 0
    let high = this.#firsts.length
    while (low + 1 < high) {
      const middle = Math.floor((low + high) / 2)
      if ((this.#firsts[middle] ?? 0) <= index) low = middle
      else high = middle
    }
    const first = this.#firsts[low]
    if (first === undefined || first > index)
      throw new PosternError("LOG_DAMAGED", `entry ${index} is in no segment`)
    const end = Math.min(this.#firsts[low + 1] ?? Number.MAX_SAFE_INTEGER, this.head().size)
    return { reader: this.#open(first), end }
  }

  /** A segment that was sealed is replaced by a smaller file: the old one takes its room as long as it is open. */
  #reopenAll(): void {
    const readers = [...this.#segments.values()]
    this.#segments.clear()
    for (const reader of readers) void reader.release()
  }

  #open(first: number): SegmentReader {
    const known = this.#segments.get(first)
    if (known !== undefined) this.#segments.delete(first) // Least recently used first.
    const slots = segmentPath(this.#path, first, "seg")
    const offsets = segmentPath(this.#path, first, "offsets")
    const reader = known ?? new SegmentReader(first, slots, offsets, this.#files)
    this.#segments.set(first, reader)
    for (const [oldest, old] of this.#segments) {
      if (this.#segments.size <= openSegmentsMax) break
      this.#segments.delete(oldest)
      void old.release()
    }
    return reader
  }

  async close(): Promise<void> {
    this.#watcher?.close()
    clearInterval(this.#poll)
    clearTimeout(this.#gather)
    this.#listeners.clear()
    const head = this.#headFile
    this.#headFile = undefined
    // A look that has begun reads a file that must be open till then.
    await this.#looking
    for (const reader of this.#segments.values()) await reader.release()
    for (const file of this.#hashes.values()) await (await file).close()
    await head?.close()
  }
}
