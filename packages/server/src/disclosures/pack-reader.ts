import { join } from "node:path"
import { equalBytes } from "@postern/log/base"
import type { FileSystem, OpenFile } from "../disk/index.ts"
import { HeldPack, type MarkedPlaces, markBytes, type PackedValue } from "./held-pack.ts"
import type { KeyId } from "./key-name.ts"
import { listIfAny } from "./key-places.ts"
import {
  formatPackName,
  keyNumberAt,
  packDirectory,
  packHeadAt,
  packHeaderBytes,
  packsAmong,
} from "./pack-format.ts"
import { PackWindow } from "./pack-window.ts"

/** A value that a key has sealed, by the entry that it was for. */
export interface SealedPlace {
  readonly index: number
  readonly digest: string
}

const scanBytes = 1_048_576
/** Packs of which places are remembered: some kilobytes each. */
const rememberedMax = 256
/** A pack that nothing was asked of for so long is closed. */
const idleMs = 1_000

/** Where records begin in a pack, roughly: a find reads a quarter of a megabyte, not the file. */
interface Marks {
  /** Of the file's nonces: another file may come to have the name of one that is gone. */
  readonly prefix: Uint8Array
  readonly places: MarkedPlaces
}

/**
 * Finds values in the packs as they are on disk now. Holds no whole one in memory, and the last one open for a moment: what follows
 * it is mostly asked for next.
 */
export class PackReader {
  readonly #directory: string
  readonly #files: FileSystem
  readonly #marks = new Map<string, Marks>()
  /** The window of the pack that is held. */
  #bytes: Buffer | undefined
  #held: HeldPack | undefined
  #idle: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()
  #packs: readonly { readonly first: number; readonly name: string }[] = []

  constructor(sealed: string, files: FileSystem) {
    this.#directory = packDirectory(sealed)
    this.#files = files
  }

  /** The value of an entry: `missing` if no record is about it, `damaged` if the place cannot be come to. One after the other. */
  find(index: number, digest: string): Promise<PackedValue | "missing" | "damaged"> {
    return this.#inTurn(async () => {
      try {
        return await this.#find(index, digest)
      } catch (error) {
        await this.#letGo()
        throw error
      } finally {
        this.#idle ??= setTimeout(() => void this.#inTurn(() => this.#letGo()), idleMs).unref()
        this.#idle.refresh()
      }
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined) // Its caller hears of it.
    return done
  }

  async #find(index: number, digest: string): Promise<PackedValue | "missing" | "damaged"> {
    const known = this.#nameFor(index)
    if (known !== undefined && known === this.#held?.name) {
      const held = await this.#held.find(index, digest)
      if (typeof held !== "string") return held
      // The file may be gone by now, and another one have its name: only a new look at the disk says that there is nothing.
    }
    const found = known === undefined ? "missing" : await this.#findIn(known, index, digest)
    if (typeof found !== "string") return found
    await this.#list()
    const now = this.#nameFor(index)
    return now === undefined || now === known ? found : this.#findIn(now, index, digest)
  }

  /** Every value that one of the keys has sealed, also of entries that never came to be. */
  async *sealedBy(
    keys: readonly KeyId[],
    onProgress: (bytes: number, of: number) => void = () => undefined,
  ): AsyncGenerator<SealedPlace> {
    const marks = new Map(keys.map(({ number, mark }) => [number, mark]))
    await this.#list()
    const sizes = await Promise.all(this.#packs.map(({ name }) => this.#size(name)))
    const all = sizes.reduce((sum, size) => sum + size, 0)
    let before = 0
    for (const [i, { name }] of this.#packs.entries()) {
      const file = await this.#open(name)
      try {
        const window = new PackWindow(file, Buffer.alloc(scanBytes))
        for (let at = packHeaderBytes; await window.moveTo(at); at += window.recordLength) {
          if (window.wasRead) onProgress(before + at, all)
          if (!marks.has(keyNumberAt(window.bytes, window.at))) continue
          const { key, index, digest } = packHeadAt(window.bytes, window.at)
          if (marks.get(key.number) === key.mark) yield { index, digest }
        }
      } finally {
        await file.close()
      }
      before += sizes[i] ?? 0
    }
    onProgress(all, all)
  }

  async #findIn(
    name: string,
    index: number,
    digest: string,
  ): Promise<PackedValue | "missing" | "damaged"> {
    await this.#letGo()
    const file = await this.#openIfAny(name)
    if (file === undefined) return "missing"
    this.#bytes ??= Buffer.alloc(markBytes)
    const marksOf = (prefix: Uint8Array) => this.#marksOf(name, prefix).places
    this.#held = await HeldPack.open(name, file, marksOf, this.#bytes)
    return this.#held === undefined ? "damaged" : await this.#held.find(index, digest)
  }

  async #letGo(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    await held?.close()
  }

  /** The last pack that was begun at this index or below: what stands in one before it was never placed. */
  #nameFor(index: number): string | undefined {
    let name: string | undefined
    for (const pack of this.#packs) {
      if (pack.first > index) break
      name = pack.name
    }
    return name
  }

  #marksOf(name: string, prefix: Uint8Array): Marks {
    const known = this.#marks.get(name)
    const marks = known && equalBytes(known.prefix, prefix) ? known : { prefix, places: [] }
    this.#marks.delete(name)
    this.#marks.set(name, marks)
    const [oldest] = this.#marks.keys()
    if (this.#marks.size > rememberedMax && oldest !== undefined) this.#marks.delete(oldest)
    return marks
  }

  async #list(): Promise<void> {
    const packs = packsAmong(await listIfAny(this.#directory, this.#files))
    this.#packs = packs.map((pack) => ({ first: pack.first, name: formatPackName(pack) }))
  }

  /** Undefined for one that a start of the port took away: nothing in it was ever placed. */
  async #openIfAny(name: string): Promise<OpenFile | undefined> {
    try {
      return await this.#open(name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw error
    }
  }

  #open(name: string): Promise<OpenFile> {
    return this.#files.open(join(this.#directory, name), { access: "read" })
  }

  async #size(name: string): Promise<number> {
    const file = await this.#open(name)
    try {
      return await file.size()
    } finally {
      await file.close()
    }
  }
}
