import { createHash, createHmac } from "node:crypto"
import { encodeDisclosure, type KeptOut } from "@postern/log/event"
import { fastDigest } from "./sealed-file.ts"

const saltBytes = 16
const keyIdBytes = 8

/** The secrets that make salts (docs/spec/disclosures.md, Keys). */
export interface SaltKeys {
  readonly current: Uint8Array
  /** The one of before the last rotation: repeats of what came under it are still recognised. */
  readonly previous: Uint8Array | undefined
}

/**
 * Takes a value out of an item that came from a writer: makes the disclosure, stores nothing.
 * @param item the bytes that all copies of it have in common: without a time that the port filled in
 * @param name undefined for an element of an array
 * @param at where in the item the value stands, for what the policy takes out: of equal values with equal names there may be several
 */
export type KeepOut = (
  writer: string,
  item: Uint8Array,
  name: string | undefined,
  value: Uint8Array,
  at?: number,
) => KeptOut

/** Names a salt key and gives nothing of it away: 16 hex digits. */
export function saltKeyId(key: Uint8Array): string {
  const digest = createHmac("sha256", key).update("postern-salt-key-id/v1").digest("hex")
  return digest.slice(0, 2 * keyIdBytes)
}

/**
 * The same item gives the same disclosure, so that a repeat is recognised; who has not the key cannot guess the salt. What is kept
 * already under the key of before stays what it was.
 * @param holds whether a value of that digest is kept
 */
export function openKeepOut(
  { current, previous }: SaltKeys,
  holds: (digest: string) => boolean,
): KeepOut {
  const salted = openSalted()
  return (writer, item, name, value, at) => {
    const under = (key: Uint8Array): KeptOut => salted(key, writer, item, name, value, at)
    // What the policy takes out is looked up by its entry, never by its digest alone.
    const before = at === undefined ? previous && under(previous) : undefined
    return before !== undefined && holds(before.digest) ? before : under(current)
  }
}

/** As KeepOut, with the salt of this key. */
export type Salted = (key: Uint8Array, ...of: Parameters<KeepOut>) => KeptOut

export function openSalted(): Salted {
  // Many values may leave one item of megabytes.
  const digests = new WeakMap<Uint8Array, Uint8Array>()
  const digestOf = (item: Uint8Array): Uint8Array => {
    const known = digests.get(item)
    if (known !== undefined) return known
    const digest = createHash("sha256").update(item).digest()
    digests.set(item, digest)
    return digest
  }
  return (key, writer, item, name, value, at) => {
    const salt = createHmac("sha256", key)
      .update(`${writer}\0${name ?? ""}\0`)
      .update(digestOf(item))
      .update(at === undefined ? "" : `\0${at}`)
      .digest()
      .subarray(0, saltBytes)
      .toString("base64url")
    const json = encodeDisclosure(salt, name, value)
    return { json, digest: fastDigest(json) }
  }
}
