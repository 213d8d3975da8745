import { existsSync } from "node:fs"
import { mkdir, readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import { type FileSystem, nodeFiles, replaceFile, syncDirectory } from "../disk/index.ts"
import { PackReader } from "./pack-reader.ts"
import { type Found, readPackedValue } from "./packed-value.ts"
import { seal, unseal } from "./sealed-file.ts"
import {
  currentSealingKey,
  keyIdPattern,
  makeKeyDirectory,
  readSealingKey,
  type SealingKey,
} from "./sealing-keys.ts"

/** Where disclosures can be read. */
export interface DisclosureSource {
  /** @param index of the entry that names the digest; what the policy made is only found with it. Errors: READ_FAILED, CONFIG_INVALID. */
  read(digest: string, index?: number): Promise<Found>
}

export interface DisclosurePlaces {
  /** `data/disclosures`. */
  readonly sealed: string
  /** The directory of the keys. */
  readonly keys: string
}

const digestPattern = /^[A-Za-z0-9_-]{43}$/

/** For readers: the files as they are on disk now, whoever wrote them. */
export function openDisclosures(
  places: DisclosurePlaces,
  files: FileSystem = nodeFiles,
): DisclosureSource {
  const packs = new PackReader(places.sealed, files)
  return {
    async read(digest, index) {
      if (!digestPattern.test(digest)) return { state: "missing" }
      try {
        if (index === undefined) return await readSealedFile(places, digest)
        const packed = await readPackedValue(places, packs, index, digest, files)
        if (packed.state !== "missing" && packed.state !== "damaged") return packed
        // A pack that cannot be read through says nothing of what never was in it.
        const found = await readSealedFile(places, digest)
        return found.state === "missing" ? packed : found
      } catch (cause) {
        if (isPosternError(cause) && cause.code === "CONFIG_INVALID") throw cause
        throw new PosternError("READ_FAILED", `${places.sealed} cannot be read`, { cause })
      }
    },
  }
}

async function readSealedFile({ sealed, keys }: DisclosurePlaces, digest: string): Promise<Found> {
  for (const keyId of await keyIds(sealed)) {
    const file = await readIfAny(pathOf(sealed, keyId, digest))
    if (file === undefined) continue
    const key = await readSealingKey(keys, keyId)
    if (key === undefined) return { state: "locked" }
    const json = await unseal(file, digest, key)
    return json === undefined ? { state: "damaged" } : { state: "held", json }
  }
  return { state: "missing" }
}

/** For the port, the only one that writes here. */
export class DisclosureStore {
  readonly #places: DisclosurePlaces
  readonly #keyMade: (key: SealingKey) => void
  readonly #now: () => Date
  /** Key ids that have a directory. */
  readonly #directories: Set<string>
  #writing: Promise<unknown> = Promise.resolve()

  private constructor(
    places: DisclosurePlaces,
    directories: Set<string>,
    keyMade: (key: SealingKey) => void,
    now: () => Date,
  ) {
    this.#places = places
    this.#directories = directories
    this.#keyMade = keyMade
    this.#now = now
  }

  /** @param keyMade called before anything is sealed with a new key. Errors: CONFIG_INVALID. */
  static async open(
    places: DisclosurePlaces,
    keyMade: (key: SealingKey) => void,
    now: () => Date,
  ): Promise<DisclosureStore> {
    await makeKeyDirectory(places.keys)
    const directories = new Set(await keyIds(places.sealed))
    for (const keyId of directories) await removeUnfinished(join(places.sealed, keyId))
    return new DisclosureStore(places, directories, keyMade, now)
  }

  /** The disclosure's JSON bytes; undefined if they cannot be had. Errors: READ_FAILED, CONFIG_INVALID. */
  async read(digest: string): Promise<Uint8Array | undefined> {
    if (!digestPattern.test(digest)) return undefined
    const found = await readSealedFile(this.#places, digest)
    return found.state === "held" ? found.json : undefined
  }

  /** Whether a file of that name is there. Looks at the disk. */
  holds(digest: string): boolean {
    if (!digestPattern.test(digest)) return false
    for (const keyId of this.#directories) {
      if (existsSync(pathOf(this.#places.sealed, keyId, digest))) return true
    }
    return false
  }

  /**
   * Resolves once all of them are on stable storage, one request after the other: what is asked for while another one is being
   * written waits in its caller's memory. Errors: DISK_FULL, DISK_FAILED, CONFIG_INVALID (a key cannot be read).
   */
  keep(all: readonly KeptOut[]): Promise<void> {
    const written = this.#writing.then(() => this.#keep(all))
    this.#writing = written.catch(() => undefined) // Its caller hears of it.
    return written
  }

  async #keep(all: readonly KeptOut[]): Promise<void> {
    const { sealed, keys } = this.#places
    const { key, made } = await currentSealingKey(keys, sealed, this.#now())
    if (made) this.#keyMade(key)
    if (!this.#directories.has(key.id)) await this.#makeDirectory(key.id)
    for (const { json, digest } of all) {
      const known = this.#pathOfKnown(digest)
      // The port may have been killed before the name was durable.
      if (known !== undefined) await syncDirectory(join(known, ".."))
      else await replaceFile(pathOf(sealed, key.id, digest), await seal(json, digest, key))
    }
  }

  #pathOfKnown(digest: string): string | undefined {
    for (const keyId of this.#directories) {
      const path = pathOf(this.#places.sealed, keyId, digest)
      if (existsSync(path)) return path
    }
    return undefined
  }

  async #makeDirectory(keyId: string): Promise<void> {
    const { sealed } = this.#places
    await mkdir(join(sealed, keyId), { recursive: true, mode: 0o750 })
    await syncDirectory(sealed)
    await syncDirectory(join(sealed, ".."))
    this.#directories.add(keyId)
  }
}

/** What a port that was killed left behind in the middle of a write: no name leads to it. */
async function removeUnfinished(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /^[0-9a-f]{64}\.new$/.test(name))
  for (const name of names) await rm(join(directory, name), { force: true })
}

function pathOf(sealed: string, keyId: string, digest: string): string {
  return join(sealed, keyId, Buffer.from(digest, "base64url").toString("hex"))
}

/** Newest first: what is asked for was mostly written a moment ago. */
async function keyIds(sealed: string): Promise<string[]> {
  try {
    return (await readdir(sealed))
      .filter((name) => keyIdPattern.test(name))
      .sort()
      .reverse()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return []
    throw new PosternError("READ_FAILED", `${sealed} cannot be listed`, { cause })
  }
}

async function readIfAny(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw new PosternError("READ_FAILED", `${path} cannot be read`, { cause })
  }
}
