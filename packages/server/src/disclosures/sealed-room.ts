import { assert, isPosternError, PosternError } from "@postern/log/base"
import type { KeptOut } from "@postern/log/event"
import { type FileSystem, nodeFiles } from "../disk/index.ts"
import { pseudonymOf } from "./key-cache.ts"
import { type KeyId, type KeyName, saltKeyUnder } from "./key-name.ts"
import type { KeyPlaces } from "./key-places.ts"
import { type Destruction, KeyRing } from "./key-ring.ts"
import { PackReader, type SealedPlace } from "./pack-reader.ts"
import { PackWriter, removePacksFrom } from "./pack-writer.ts"
import { type KeepOut, openSalted } from "./salts.ts"

/** Where the policy's values go, for the port, the only one that writes there (docs/spec/disclosures.md, Personal keys, Packs). */
export interface SealedRoom {
  /** The subject's pseudonym now; makes a key if there is none (on stable storage with the next flush). Errors: DISK_FAILED, LOG_DAMAGED. */
  pseudonymOf(subject: string): string
  /** The same; undefined if nothing was ever sealed for the subject, or all of it is erased. */
  knownPseudonymOf(subject: string): string | undefined
  /**
   * A disclosure whose salt goes with the subject's key: the same for the same value of the same item as long as the key is there. Stores nothing.
   * Errors: DISK_FAILED, LOG_DAMAGED.
   */
  keepOut(subject: string, ...of: Parameters<KeepOut>): KeptOut
  /**
   * Takes a value that belongs to entry `index`; on stable storage when the flush that begins after it resolves. A class's key is that of this
   * month. Indexes ascend, but for entries that were given up. Errors: DISK_FAILED, LOG_DAMAGED.
   */
  put(
    index: number,
    under: { readonly subject: string } | { readonly class: string },
    digest: string,
    json: Uint8Array,
  ): void
  /** Whether a flush has something to do. */
  readonly pending: boolean
  /** New keys first, then the packs; each fdatasync'ed. Errors: DISK_FULL (everything is still pending), DISK_FAILED (fatal). */
  flush(): Promise<void>
  /** The key of that name, durable; undefined if there is none. Errors: as flush(). */
  keyOf(name: KeyName): Promise<KeyId | undefined>
  /**
   * What a key has sealed, also once it is destroyed: indexes and digests in the order of the packs. Some may be of entries that the log has
   * not, or has with other digests: it was killed before they were placed. Reads the heads of all packs. Errors: READ_FAILED, as flush().
   */
  entriesOf(
    keys: readonly KeyId[],
    onProgress?: (bytes: number, of: number) => void,
  ): AsyncIterable<SealedPlace>
  /**
   * Destroys keys, and with them every value that they sealed: before, or after, at whatever step the process ends. Whoever has a name
   * still gets a new key, and another pseudonym, from then on. Resolves to those that were there. Errors: DISK_FULL (nothing was
   * destroyed), DISK_FAILED (fatal: the next start ends it).
   */
  destroy(keys: readonly KeyId[], destruction?: Destruction): Promise<readonly KeyId[]>
  close(): Promise<void>
}

export interface SealedRoomWorld {
  now(): Date
  readonly files?: FileSystem
  /** Entries that the log has: what packs hold of later ones was never placed, and their files go. */
  readonly size?: number
  /** A pack that is longer is followed by another one. */
  readonly packBytesMax?: number
}

/** Of a class and its month in a key's record. */
const classNameMax = 24

/** How old the key may become that wraps all others, until a start makes another one. */
export const wrappingDaysMax = 365
const dayMs = 86_400_000

/** Both directories are there. Errors: CONFIG_INVALID (a key is missing), LOG_DAMAGED, DISK_FULL, DISK_FAILED. */
export async function openSealedRoom(
  places: KeyPlaces,
  { now, files = nodeFiles, size, packBytesMax }: SealedRoomWorld,
): Promise<SealedRoom> {
  const keys = await KeyRing.open(places, files, () => now().getTime())
  await keys.renewWrapping(wrappingDaysMax * dayMs).catch((error) => {
    // It is as good as before, and comes again at the next start.
    if (!isPosternError(error) || error.code !== "DISK_FULL") throw error
  })
  if (size !== undefined) await removePacksFrom(size, places.sealed, files)
  const packs = new PackWriter(places.sealed, files, packBytesMax)
  const nameOf = (under: { readonly subject: string } | { readonly class: string }): KeyName => {
    if ("subject" in under) return under
    assert(under.class.length <= classNameMax, "a class has a short name")
    return { class: under.class, month: now().toISOString().slice(0, 7) }
  }
  const salted = openSalted()
  return {
    keepOut: (subject, ...of) => salted(saltKeyUnder(keys.keyFor({ subject }).secret), ...of),
    pseudonymOf: (subject) => pseudonymOf(keys.keyFor({ subject })),
    knownPseudonymOf(subject) {
      const key = keys.find({ subject })
      return key && pseudonymOf(key)
    },
    put: (index, under, digest, json) => packs.put(index, keys.keyFor(nameOf(under)), digest, json),
    get pending() {
      return keys.pending || packs.pending
    },
    async flush() {
      await keys.flush()
      await packs.flush()
    },
    async keyOf(name) {
      const key = keys.find(name)
      if (keys.pending) await keys.flush()
      return key?.id
    },
    async *entriesOf(ids, onProgress) {
      if (packs.pending) await packs.flush()
      try {
        yield* new PackReader(places.sealed, files).sealedBy(ids, onProgress)
      } catch (cause) {
        throw new PosternError("READ_FAILED", "the packs cannot be read", { cause })
      }
    },
    destroy: (ids, destruction) => keys.destroy(ids, destruction),
    async close() {
      await packs.close()
      await keys.close()
    },
  }
}
