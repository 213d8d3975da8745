import type { FileSystem } from "../disk/index.ts"
import { decrypt, nonceOf } from "./aes-gcm.ts"
import { KeyFile } from "./key-file.ts"
import type { KeyId } from "./key-name.ts"
import { type KeyPlaces, keyFilePath, wrappingKeyPath } from "./key-places.ts"
import type { PackReader } from "./pack-reader.ts"
import { fastDigest } from "./sealed-file.ts"
import { readSecret } from "./secret-file.ts"
import { WrappingKey } from "./wrapping-key.ts"

export type Found =
  | { readonly state: "held"; readonly json: Uint8Array }
  | { readonly state: "missing" | "locked" | "damaged" }
  /** Its key was destroyed; the entry that says so, as the one who destroyed it has noted. */
  | { readonly state: "erased"; readonly entry?: number }

type FoundKey = { readonly secret: Uint8Array } | Exclude<Found, { state: "held" }>

/** The value of an entry out of the packs. Keys are read anew each time: one that was destroyed opens nothing. */
export async function readPackedValue(
  places: KeyPlaces,
  packs: PackReader,
  index: number,
  digest: string,
  files: FileSystem,
): Promise<Found> {
  const packed = await packs.find(index, digest)
  if (typeof packed === "string") return { state: packed }
  const { head, bound, sealed, noncePrefix } = packed
  const key = await readKey(places, head.key, files)
  if (!("secret" in key)) return key
  const json = decrypt(key.secret, nonceOf(noncePrefix, head.counter), bound, sealed)
  key.secret.fill(0)
  if (json === undefined || fastDigest(json) !== digest) return { state: "damaged" }
  return { state: "held", json: new Uint8Array(json) }
}

/** A destruction may put other files in the place of those that were just opened: then they are looked at once more. */
async function readKey(places: KeyPlaces, id: KeyId, files: FileSystem): Promise<FoundKey> {
  const key = await tryKey(places, id, files)
  return "state" in key && key.state === "locked" ? await tryKey(places, id, files) : key
}

async function tryKey(places: KeyPlaces, id: KeyId, files: FileSystem): Promise<FoundKey> {
  const file = await KeyFile.openToRead(keyFilePath(places), files)
  if (file === undefined) return { state: "locked" }
  try {
    const { record, bytes } = file.record(id.number) ?? {}
    if (record === undefined || bytes === undefined || record.id.mark !== id.mark) {
      return { state: "locked" }
    }
    const { entry } = record
    if (record.held === undefined) return { state: "erased", ...(entry !== undefined && { entry }) }
    const { generation } = file.header
    const wrapping = await readSecret(wrappingKeyPath(places, generation), files)
    if (wrapping === undefined) return { state: "locked" }
    const secret = new WrappingKey(generation, wrapping).unwrap(record.held.wrapped, bytes)
    wrapping.fill(0)
    return secret === undefined ? { state: "damaged" } : { secret }
  } finally {
    await file.release().close()
  }
}
