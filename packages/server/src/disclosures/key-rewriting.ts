import { isPosternError } from "@postern/log/base"
import { diskError, type FileSystem } from "../disk/index.ts"
import { KeyFile, recordsAtOnce } from "./key-file.ts"
import {
  destroyOtherGenerations,
  type KeyPlaces,
  keyFilePath,
  nextKeyFilePath,
  wrappingKeyPath,
} from "./key-places.ts"
import {
  completeRecord,
  encodeDestroyed,
  encodeHeader,
  type KeyRecord,
  recordBytes,
} from "./key-record.ts"
import { makeSecret, overwrite } from "./secret-file.ts"
import { WrappingKey } from "./wrapping-key.ts"

/** The wrapped keys, and what wraps them. */
export interface OpenRing {
  readonly file: KeyFile
  readonly wrapping: WrappingKey
}

export interface Rewritten {
  readonly places: KeyPlaces
  readonly files: FileSystem
  readonly before: OpenRing
  /** Numbers of the keys that are not to be there any more. */
  readonly doomed: ReadonlySet<number>
  /** The entry that says so. */
  readonly entry: number | undefined
  /** In milliseconds since 1970-01-01 UTC. */
  readonly now: number
}

/**
 * The file of keys written anew without some of them, under a new wrapping key (docs/spec/disclosures.md, Destroying). Each step leaves the
 * ring as it was until replace() renames; from then on it is the new one, and clearUp() may come late.
 */
export class KeyRewriting {
  readonly #work: Rewritten
  readonly #after: OpenRing
  /** Records that were written. */
  #done = 0
  /** Whether the rename may have happened. */
  #isBeyond = false

  private constructor(work: Rewritten, after: OpenRing) {
    this.#work = work
    this.#after = after
  }

  /** Errors: DISK_FULL (nothing has changed), DISK_FAILED. */
  static async begin(work: Rewritten): Promise<KeyRewriting> {
    const { places, files, before, now } = work
    const header = { generation: before.file.header.generation + 1, since: now }
    const { generation } = header
    try {
      const secret = await makeSecret(wrappingKeyPath(places, generation), files)
      const wrapping = new WrappingKey(generation, secret)
      secret.fill(0)
      const path = nextKeyFilePath(places)
      const opened = await files.open(path, { access: "replace" }).catch((error) => {
        throw diskError(error)
      })
      const file = new KeyFile(header, opened, 0)
      await file.write(encodeHeader(header), -1)
      return new KeyRewriting(work, { file, wrapping })
    } catch (error) {
      if (isPosternError(error) && error.code === "DISK_FULL") await clear(work)
      throw error
    }
  }

  /** Writes what is there and was not written yet; the old ring may go on growing. Errors: DISK_FULL, DISK_FAILED. */
  async copy(onProgress: (done: number, of: number) => void = () => undefined): Promise<void> {
    const { file } = this.#work.before
    let piece: Buffer[] = []
    const write = async (): Promise<void> => {
      if (piece.length === 0) return
      await this.#after.file.write(Buffer.concat(piece), this.#done)
      this.#done += piece.length
      piece = []
      onProgress(this.#done, file.count)
    }
    for await (const { record, bytes } of file.records(this.#done)) {
      piece.push(this.#recordAfter(record, bytes))
      if (piece.length === recordsAtOnce) await write()
    }
    await write()
  }

  #recordAfter(record: KeyRecord | undefined, bytes: Buffer): Buffer {
    const { before, doomed, entry } = this.#work
    // What was torn and never used stays a hole.
    if (record === undefined) return Buffer.alloc(recordBytes)
    if (record.held === undefined) return Buffer.from(bytes)
    if (doomed.has(record.id.number)) return encodeDestroyed(bytes, entry)
    const secret = before.wrapping.unwrap(record.held.wrapped, bytes)
    if (secret === undefined) return Buffer.alloc(recordBytes)
    const bound = Buffer.from(bytes)
    const written = completeRecord(bound, this.#after.wrapping.wrap(secret, bound))
    secret.fill(0)
    return written
  }

  /** The point of no return. Everything was copied, and nobody appends. Errors: DISK_FULL (nothing has changed), DISK_FAILED. */
  async replace(): Promise<OpenRing> {
    const { places, files } = this.#work
    await this.#after.file.settle(this.#done)
    try {
      this.#isBeyond = true
      await files.rename(nextKeyFilePath(places), keyFilePath(places))
      await files.syncDirectory(places.sealed)
    } catch (error) {
      const failure = diskError(error)
      // A rename without room has not happened; after anything else only the next start knows.
      this.#isBeyond = failure.code !== "DISK_FULL"
      throw failure
    }
    return this.#after
  }

  /** After a failure: takes away what was made, if the ring is the old one for sure. */
  async abandon(): Promise<void> {
    if (this.#isBeyond) return
    await this.#after.file.release().close()
    await clear(this.#work)
  }

  /** Overwrites what the old keys could be opened from. Errors: DISK_FAILED; the next start does it then. */
  async clearUp(): Promise<void> {
    const { places, files, before } = this.#work
    await overwrite(before.file.release()).catch((error) => {
      throw diskError(error)
    })
    await destroyOtherGenerations(places, this.#after.wrapping.generation, files)
  }
}

async function clear({ places, files, before }: Rewritten): Promise<void> {
  await destroyOtherGenerations(places, before.wrapping.generation, files)
}
