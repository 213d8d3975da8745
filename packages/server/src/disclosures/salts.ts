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

/** Takes a value out of an item that came from a writer: makes the disclosure, stores nothing. */
export type KeepOut = (writer: string, item: Uint8Array, name: string, value: Uint8Array) => KeptOut

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
  return (writer, item, name, value) => {
    const itemDigest = createHash("sha256").update(item).digest()
    const under = (key: Uint8Array): KeptOut => {
      const salt = createHmac("sha256", key)
        .update(`${writer}\0${name}\0`)
        .update(itemDigest)
        .digest()
        .subarray(0, saltBytes)
        .toString("base64url")
      const json = encodeDisclosure(salt, name, value)
      return { json, digest: fastDigest(json) }
    }
    const before = previous && under(previous)
    return before !== undefined && holds(before.digest) ? before : under(current)
  }
}
