import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { diskError, type FileSystem, type OpenFile, syncFile, writeAll } from "../disk/index.ts"
import { encrypt, Nonces, noncePrefixBytes, tagLength } from "./aes-gcm.ts"
import type { DataKey } from "./key-name.ts"
import { listIfAny } from "./key-places.ts"
import {
  encodePackHead,
  encodePackHeader,
  formatPackName,
  packBoundBytes,
  packBytesMax,
  packDirectory,
  packsAmong,
} from "./pack-format.ts"
import { Turns } from "./turns.ts"

/** A pack of this life: begun in memory, on the disk with its first flush. */
interface OpenPack {
  readonly first: number
  /** Of its last value. */
  last: number
  readonly nonces: Nonces
  /** Not on stable storage yet. */
  readonly pieces: Buffer[]
  /** All there will be in the file. */
  bytes: number
  /** On stable storage. */
  written: number
  file: OpenFile | undefined
}

/** Appends sealed values to packs, in the order of their entries. A file of a life before is never written to. */
export class PackWriter {
  readonly #sealed: string
  readonly #files: FileSystem
  readonly #bytesMax: number
  readonly #turns = new Turns()
  /** The last one takes what comes. */
  readonly #packs: OpenPack[] = []

  constructor(sealed: string, files: FileSystem, bytesMax = packBytesMax) {
    this.#sealed = sealed
    this.#files = files
    this.#bytesMax = bytesMax
  }

  get pending(): boolean {
    return this.#packs.some(({ pieces }) => pieces.length > 0)
  }

  /** Seals a value of the entry `index` into memory. */
  put(index: number, key: DataKey, digest: string, json: Uint8Array): void {
    const pack = this.#packFor(index)
    const counter = pack.nonces.count
    const sealedBytes = json.length + tagLength
    const head = encodePackHead({ sealedBytes, key: key.id, index, digest, counter })
    const bound = head.subarray(0, packBoundBytes)
    const sealed = encrypt(key.secret, pack.nonces.next(), bound, json)
    const record = Buffer.concat([head, sealed])
    pack.pieces.push(record)
    pack.bytes += record.length
    pack.last = index
  }

  /** What was put before is on stable storage then. Errors: DISK_FULL (all of it is still pending), DISK_FAILED. */
  flush(): Promise<void> {
    return this.#turns.take(async () => {
      try {
        for (const pack of [...this.#packs]) await this.#flushPack(pack)
      } catch (error) {
        throw diskError(error)
      }
    })
  }

  /** Ends the use of the files; what is pending is lost. */
  async close(): Promise<void> {
    await this.#turns.ended()
    for (const { file } of this.#packs.splice(0)) await file?.close()
  }

  #packFor(index: number): OpenPack {
    const current = this.#packs.at(-1)
    const goesOn = current !== undefined && index >= current.last && current.bytes < this.#bytesMax
    if (goesOn) return current
    const header = encodePackHeader(randomBytes(noncePrefixBytes))
    const pack: OpenPack = {
      ...{ first: index, last: index, pieces: [header], bytes: header.length, written: 0 },
      nonces: new Nonces(header.subarray(16, 16 + noncePrefixBytes)),
      file: undefined,
    }
    this.#packs.push(pack)
    return pack
  }

  async #flushPack(pack: OpenPack): Promise<void> {
    const { length } = pack.pieces
    if (length > 0) {
      const bytes = Buffer.concat(pack.pieces)
      const isNew = pack.file === undefined
      pack.file ??= await this.#create(pack.first)
      await writeAll(pack.file, bytes, pack.written)
      await syncFile(pack.file)
      if (isNew || pack.written === 0) {
        await this.#files.syncDirectory(packDirectory(this.#sealed))
      }
      pack.pieces.splice(0, length)
      pack.written += bytes.length
    }
    if (pack === this.#packs.at(-1) || pack.pieces.length > 0) return
    this.#packs.splice(this.#packs.indexOf(pack), 1)
    await pack.file?.close()
  }

  async #create(first: number): Promise<OpenFile> {
    const directory = packDirectory(this.#sealed)
    const made = await this.#files.makeDirectory(directory)
    if (made !== undefined) await this.#files.syncDirectory(this.#sealed)
    const same = packsAmong(await listIfAny(directory, this.#files)).filter(
      (pack) => pack.first === first,
    )
    const turn = (same.at(-1)?.turn ?? 0) + 1
    const path = join(directory, formatPackName({ first, turn }))
    return await this.#files.open(path, { access: "write" })
  }
}

/**
 * Removes the packs of values whose entries were never placed: the process ended between their flush and the slot. A later life
 * gives these indexes to other entries. Errors: DISK_FAILED.
 */
export async function removePacksFrom(
  size: number,
  sealed: string,
  files: FileSystem,
): Promise<void> {
  const directory = packDirectory(sealed)
  const orphans = packsAmong(await listIfAny(directory, files)).filter(({ first }) => first >= size)
  if (orphans.length === 0) return
  try {
    for (const pack of orphans) await files.remove(join(directory, formatPackName(pack)))
    await files.syncDirectory(directory)
  } catch (error) {
    throw diskError(error)
  }
}
