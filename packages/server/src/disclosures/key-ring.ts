import { randomBytes } from "node:crypto"
import { dirname } from "node:path"
import { assert, PosternError } from "@postern/log/base"
import { diskError, type FileSystem } from "../disk/index.ts"
import { KeyCache, type OpenKey } from "./key-cache.ts"
import { KeyFile } from "./key-file.ts"
import { type KeyId, type KeyName, nameText, secretBytes, tagOf } from "./key-name.ts"
import {
  destroyOtherGenerations,
  type KeyPlaces,
  keyFilePath,
  lookupKeyPath,
  wrappingGenerations,
  wrappingKeyPath,
} from "./key-places.ts"
import { completeRecord, encodeBound, type KeyRecord } from "./key-record.ts"
import { KeyRewriting, type OpenRing } from "./key-rewriting.ts"
import { KeyTable } from "./key-table.ts"
import { makeSecret, readSecret } from "./secret-file.ts"
import { Turns } from "./turns.ts"
import { WrappingKey } from "./wrapping-key.ts"

/** A key that is not on the disk yet. */
interface NewKey extends OpenKey {
  readonly name: KeyName
  readonly tag: Buffer
}

export interface Destruction {
  /** The entry of the log that says so, for whoever asks for a value that is gone. */
  readonly entry?: number | undefined
  /** Keys that were written anew, and how many there are. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined
}

/** Records that one write appends; and what is written once more at the next start, lest it was never on the medium. */
const appendedMax = 8192
const markBytes = 8

/**
 * The keys of subjects and of classes by month (docs/spec/disclosures.md, Personal keys): each random, wrapped by one key outside the data
 * directory, destroyed by its id. Of all of them only a table of places is in memory, and the few that were used last. One ring to a directory:
 * the port's.
 */
export class KeyRing {
  readonly #places: KeyPlaces
  readonly #files: FileSystem
  /** In milliseconds since 1970-01-01 UTC. */
  readonly #now: () => number
  readonly #lookupKey: Uint8Array
  readonly #table = new KeyTable()
  readonly #cache = new KeyCache()
  readonly #turns = new Turns()
  readonly #destructions = new Turns()
  /** By name, in the order of their numbers. */
  readonly #new = new Map<string, NewKey>()
  #next = 0
  /** Undefined while there was never a key. */
  #ring: OpenRing | undefined

  private constructor(
    places: KeyPlaces,
    files: FileSystem,
    now: () => number,
    lookupKey: Uint8Array,
  ) {
    this.#places = places
    this.#files = files
    this.#now = now
    this.#lookupKey = lookupKey
  }

  /**
   * Opens what is there, and ends what a crash cut short: a destruction is done as a whole, or not at all. Both directories are there.
   * Errors: CONFIG_INVALID (a key of the second directory is missing), LOG_DAMAGED, DISK_FULL, DISK_FAILED.
   */
  static async open(places: KeyPlaces, files: FileSystem, now: () => number): Promise<KeyRing> {
    const path = lookupKeyPath(places)
    const known = await readSecret(path, files)
    const ring = new KeyRing(places, files, now, known ?? new Uint8Array(secretBytes))
    const file = await KeyFile.open(keyFilePath(places), files, (record) => ring.#found(record))
    if (file === undefined) {
      if (known !== undefined) return ring
      return new KeyRing(places, files, now, await makeSecret(path, files))
    }
    try {
      if (known === undefined) throw missing(path)
      ring.#ring = await ring.#openWrapping(file)
      ring.#next = file.count
      await file.writeAgain(appendedMax)
      // The name of a file that was renamed into its place must last before what it replaced is destroyed.
      await files.syncDirectory(places.sealed)
      await destroyOtherGenerations(places, file.header.generation, files)
    } catch (error) {
      await file.release().close()
      return asDiskError(error)
    }
    return ring
  }

  /** How many there are and were. */
  get count(): number {
    return this.#next
  }

  /** Whether a key was made that no flush has ended with. */
  get pending(): boolean {
    return this.#new.size > 0
  }

  /** The key of that name, made if there is none; of use for this moment only. Errors: DISK_FAILED, LOG_DAMAGED. */
  keyFor(name: KeyName): OpenKey {
    const text = nameText(name)
    const known = this.#cache.get(text) ?? this.#new.get(text) ?? this.#read(name, text)
    if (known !== undefined) return known
    const id = { number: this.#next, mark: randomBytes(markBytes).toString("hex") }
    const tag = tagOf(this.#lookupKey, name)
    const secret = randomBytes(secretBytes)
    const key: NewKey = { id, name, tag, secret, pseudonym: undefined }
    this.#new.set(text, key)
    this.#next += 1
    return key
  }

  /** The same; undefined if there is none. Errors: DISK_FAILED, LOG_DAMAGED. */
  find(name: KeyName): OpenKey | undefined {
    const text = nameText(name)
    return this.#cache.get(text) ?? this.#new.get(text) ?? this.#read(name, text)
  }

  /** What was made so far is on stable storage then. Errors: DISK_FULL (all of it is still pending), DISK_FAILED. */
  flush(): Promise<void> {
    return this.#turns.take(() => this.#flush().catch(asDiskError))
  }

  /**
   * Destroys keys: afterwards nothing below the two directories opens what they sealed. Resolves to those that were there and are not any
   * more; others are passed over, so that it may be repeated. Keys may be made meanwhile. Errors: DISK_FULL (nothing was
   * destroyed), DISK_FAILED (the next open() decides and ends it).
   */
  destroy(ids: readonly KeyId[], destruction: Destruction = {}): Promise<readonly KeyId[]> {
    return this.#destructions.take(() => {
      return this.#destroy(ids, destruction).catch((error) => {
        this.#turns.note(diskErrorOf(error))
        throw diskErrorOf(error)
      })
    })
  }

  /** Another wrapping key if this one is so old, as destroy() makes one. Errors: as there. */
  async renewWrapping(olderThanMs: number): Promise<void> {
    const since = this.#ring?.file.header.since
    if (since === undefined || this.#now() - since < olderThanMs) return
    await this.#destructions.take(() => this.#rewrite(new Set(), {}))
  }

  /** Ends the use of the files; pending keys are lost. */
  async close(): Promise<void> {
    await this.#turns.ended()
    await this.#ring?.file.release().close()
    this.#ring = undefined
  }

  #found({ id, held }: KeyRecord): void {
    if (held !== undefined) this.#table.add(held.tag, id.number)
  }

  /** Looks whether the wrapping key is the one before anything is destroyed for its sake. */
  async #openWrapping(file: KeyFile): Promise<OpenRing> {
    const { generation } = file.header
    const path = wrappingKeyPath(this.#places, generation)
    const secret = await readSecret(path, this.#files)
    if (secret === undefined) throw missing(path)
    const wrapping = new WrappingKey(generation, secret)
    for await (const { record, bytes } of file.records(0)) {
      if (record?.held === undefined) continue
      if (wrapping.unwrap(record.held.wrapped, bytes) !== undefined) break
      throw new PosternError("CONFIG_INVALID", `${path} is not the key that wrapped the keys`)
    }
    return { file, wrapping }
  }

  #read(name: KeyName, text: string): OpenKey | undefined {
    if (this.#ring === undefined) return undefined
    const { file, wrapping } = this.#ring
    const tag = tagOf(this.#lookupKey, name)
    const number = this.#table.find(tag, (one) => {
      return file.record(one)?.record.held?.tag.equals(tag) === true
    })
    const found = number === undefined ? undefined : file.record(number)
    if (found?.record.held === undefined) return undefined
    const secret = wrapping.unwrap(found.record.held.wrapped, found.bytes)
    if (secret === undefined) {
      throw new PosternError("LOG_DAMAGED", `the wrapped key ${number} does not open`)
    }
    const key = { id: found.record.id, secret, pseudonym: undefined }
    this.#cache.set(text, key)
    return key
  }

  async #flush(): Promise<void> {
    while (this.#new.size > 0) {
      this.#ring ??= await this.#create()
      const { file, wrapping } = this.#ring
      const some = [...this.#new].slice(0, appendedMax)
      const records = some.map(([, { id, name, tag, secret }]) => {
        const bound = encodeBound(id, name, tag)
        return completeRecord(bound, wrapping.wrap(secret, bound))
      })
      await file.append(Buffer.concat(records))
      for (const [text, key] of some) {
        this.#new.delete(text)
        this.#table.add(key.tag, key.id.number)
        this.#cache.set(text, { id: key.id, secret: key.secret, pseudonym: key.pseudonym })
      }
    }
  }

  /** The first key of all is being written. A wrapping key that is there without a file stays: the file may come back from a backup. */
  async #create(): Promise<OpenRing> {
    const { sealed } = this.#places
    const generation = (await wrappingGenerations(this.#places, this.#files)).at(-1) ?? 1
    const path = wrappingKeyPath(this.#places, generation)
    const known = await readSecret(path, this.#files)
    const secret = known ?? (await makeSecret(path, this.#files))
    const wrapping = new WrappingKey(generation, secret)
    const file = await KeyFile.create(
      keyFilePath(this.#places),
      { generation, since: this.#now() },
      this.#files,
    )
    await this.#files.syncDirectory(dirname(sealed))
    return { file, wrapping }
  }

  async #destroy(
    ids: readonly KeyId[],
    { entry, onProgress }: Destruction,
  ): Promise<readonly KeyId[]> {
    await this.flush()
    if (this.#ring === undefined) return []
    const { file } = this.#ring
    const held = ids.filter(({ number, mark }) => {
      const found = file.record(number)?.record
      return found?.held !== undefined && found.id.mark === mark
    })
    if (held.length === 0) return []
    await this.#rewrite(new Set(held.map(({ number }) => number)), { entry, onProgress })
    return held
  }

  async #rewrite(doomed: ReadonlySet<number>, { entry, onProgress }: Destruction): Promise<void> {
    if (this.#ring === undefined) return
    const before = this.#ring
    const now = this.#now()
    const work = { places: this.#places, files: this.#files, before, doomed, entry, now }
    const rewriting = await KeyRewriting.begin(work)
    try {
      await rewriting.copy(onProgress)
      await this.#turns.take(async () => {
        await rewriting.copy().catch(asDiskError)
        const after = await rewriting.replace()
        for (const number of doomed) this.#forget(before, number)
        this.#cache.forget(doomed)
        this.#ring = after
      })
    } catch (error) {
      await rewriting.abandon()
      throw error
    }
    await rewriting.clearUp()
  }

  #forget({ file }: OpenRing, number: number): void {
    const held = file.record(number)?.record.held
    assert(held !== undefined, "a key is there until it is replaced")
    this.#table.remove(held.tag, number)
  }
}

function asDiskError(error: unknown): never {
  throw diskErrorOf(error)
}

function diskErrorOf(error: unknown): PosternError {
  return error instanceof PosternError ? error : diskError(error)
}

function missing(path: string): PosternError {
  const detail = `${path} is missing, and wrapped keys are there: bring it back from its backup`
  return new PosternError("CONFIG_INVALID", detail)
}
