import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { equalBytes, formatHex, parseHex } from "@postern/log/base"
import { treeRoot } from "@postern/log/tlog"
import { type FileSystem, type LogView, lockDirectory, replaceFile } from "../../disk/index.ts"
import { Group } from "./group.ts"
import { hashKeyBytes } from "./keyed-hash.ts"
import { Part } from "./part.ts"
import { partName } from "./part-format.ts"
import { openPartFile, PartDamaged } from "./part-source.ts"
import type { SectionCache } from "./section-cache.ts"

const lockName = "lock"
const seedName = "seed"
const partPattern = /^\d{16}\.part$/
const groupPattern = /^\d{16}\.group$/

/** The files of an index (docs/spec/index.md). One process writes them at a time. */
export class IndexDirectory {
  readonly path: string
  readonly #files: FileSystem | undefined
  #seed: Uint8Array
  #lock: { release(): void } | undefined

  private constructor(path: string, seed: Uint8Array, files: FileSystem | undefined) {
    this.path = path
    this.#seed = seed
    this.#files = files
  }

  /** Only to read: nothing is made, removed or locked. */
  static look(path: string): IndexDirectory {
    return new IndexDirectory(path, readSeed(path) ?? new Uint8Array(), undefined)
  }

  get seed(): Uint8Array {
    return this.#seed
  }

  /** For the one who writes: makes what is not there, takes away what a life before has left half done. Errors: LOG_LOCKED */
  static async open(path: string, files?: FileSystem): Promise<IndexDirectory> {
    mkdirSync(path, { recursive: true, mode: 0o750 })
    const lock = lockDirectory(join(path, lockName))
    try {
      for (const name of readdirSync(path)) {
        if (name.endsWith(".new")) rmSync(join(path, name), { force: true })
      }
      const directory = new IndexDirectory(path, readSeed(path) ?? new Uint8Array(), files)
      directory.#lock = lock
      if (directory.#seed.length === 0) await directory.clear()
      return directory
    } catch (error) {
      lock.release()
      throw error
    }
  }

  close(): void {
    this.#lock?.release()
  }

  /** Throws all of it away and draws a new seed. */
  async clear(): Promise<void> {
    rmSync(join(this.path, seedName), { force: true })
    for (const name of readdirSync(this.path)) {
      if (partPattern.test(name) || groupPattern.test(name))
        rmSync(join(this.path, name), { force: true })
    }
    this.#seed = new Uint8Array(randomBytes(hashKeyBytes))
    await this.#write(seedName, Buffer.from(`${formatHex(this.#seed)}\n`))
  }

  /** Durable once it returns; before that, what had the name still has it. */
  async writePart(first: number, bytes: Uint8Array): Promise<void> {
    await this.#write(partName(first), bytes)
  }

  async writeGroup(first: number, bytes: Uint8Array): Promise<void> {
    await this.#write(groupName(first), bytes)
  }

  #removeGroup(first: number): void {
    if (this.#lock !== undefined) rmSync(join(this.path, groupName(first)), { force: true })
  }

  /** First indexes of the groups, ascending. */
  listGroups(): number[] {
    const names = readdirSync(this.path).filter((name) => groupPattern.test(name))
    return names.map((name) => Number(name.slice(0, 16))).sort((a, b) => a - b)
  }

  /** @throws PartDamaged */
  openGroup(first: number): Group {
    return openGroupFile(this.path, first, this.#seed)
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    await replaceFile(join(this.path, name), bytes, this.#files)
  }

  /** Parts and groups that begin before this entry. */
  removeBelow(minimum: number): void {
    for (const first of this.list()) if (first < minimum) this.removePart(first)
    for (const first of this.listGroups()) if (first < minimum) this.#removeGroup(first)
  }

  removePart(first: number): void {
    if (this.#lock !== undefined) rmSync(join(this.path, partName(first)), { force: true })
  }

  /** @throws PartDamaged if it is not one, or was made with another seed */
  openPart(first: number, cache: SectionCache): Part {
    const name = partName(first)
    const source = openPartFile(join(this.path, name))
    try {
      const part = Part.open(name, source, cache)
      if (part.first !== first) throw new PartDamaged("it has another name")
      if (!equalBytes(part.header.seed, this.#seed)) throw new PartDamaged("another seed")
      return part
    } catch (error) {
      source.close()
      throw error
    }
  }

  /** First indexes of the parts, ascending. */
  list(): number[] {
    const names = readdirSync(this.path).filter((name) => partPattern.test(name))
    return names.map((name) => Number(name.slice(0, 16))).sort((a, b) => a - b)
  }

  /**
   * Opens what belongs to this log: parts that begin in a segment that is there, end before the head, join with the one before by their
   * roots, and end at a root that the log has. Everything else is removed.
   */
  async openParts(view: LogView, start: number, cache: SectionCache): Promise<Part[]> {
    const parts: Part[] = []
    for (const first of this.list()) {
      try {
        const part = this.openPart(first, cache)
        if (part.first >= start && part.end <= view.head().size) parts.push(part)
        else this.#discard(part)
      } catch (error) {
        if (!(error instanceof PartDamaged)) throw error
        this.removePart(first)
      }
    }
    const kept = await this.#belonging(view, parts)
    for (const first of this.listGroups()) {
      if (!kept.some((part) => part.first === first)) this.#removeGroup(first)
    }
    return kept
  }

  /** From the newest on: the root behind a part, and so everything before it, is the log's or that of a part which belongs to it. */
  async #belonging(view: LogView, parts: readonly Part[]): Promise<Part[]> {
    const kept: Part[] = []
    for (const part of [...parts].reverse()) {
      const next = kept[0]
      if (next !== undefined && next.first < part.end) {
        this.#discard(part)
        continue
      }
      const root = next?.first === part.end ? next.header.rootBefore : await rootAt(view, part.end)
      if (equalBytes(root, part.header.root)) kept.unshift(part)
      else this.#discard(part)
    }
    return kept
  }

  #discard(part: Part): void {
    part.close()
    this.removePart(part.first)
  }

  /** Of parts and groups. */
  bytes(): number {
    const names = [...this.list().map(partName), ...this.listGroups().map(groupName)]
    return names.reduce((sum, name) => sum + statSync(join(this.path, name)).size, 0)
  }
}

/** @throws PartDamaged */
export function openGroupFile(directory: string, first: number, seed: Uint8Array): Group {
  const source = openPartFile(join(directory, groupName(first)))
  try {
    const group = Group.open(source, seed)
    if (group.first !== first) throw new PartDamaged("it has another name")
    return group
  } catch (error) {
    source.close()
    throw error
  }
}

function groupName(first: number): string {
  return `${String(first).padStart(16, "0")}.group`
}

/** The root of the log's tree at a size. */
export function rootAt(view: LogView, size: number): Promise<Uint8Array> {
  return treeRoot(size, (level, from, to) => view.hashes(level, from, to))
}

function readSeed(path: string): Uint8Array | undefined {
  const file = join(path, seedName)
  if (!existsSync(file)) return undefined
  const seed = parseHex(readFileSync(file, "utf8").trim())
  return seed?.length === hashKeyBytes ? seed : undefined
}
