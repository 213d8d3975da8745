import { createHash, createHmac } from "node:crypto"
import { encodeDisclosure } from "@postern/log/event"
import type { KeptOut } from "./disclosure-store.ts"
import { fastDigest } from "./sealed-file.ts"

const saltBytes = 16

/** Takes a value out of an item that came from a writer: makes the disclosure, stores nothing. */
export type KeepOut = (writer: string, item: Uint8Array, name: string, value: Uint8Array) => KeptOut

/** The same item gives the same disclosure, so that a repeat is recognised; who has not the key cannot guess the salt. */
export function openKeepOut(saltKey: Uint8Array): KeepOut {
  return (writer, item, name, value) => {
    const salt = createHmac("sha256", saltKey)
      .update(`${writer}\0${name}\0`)
      .update(createHash("sha256").update(item).digest())
      .digest()
      .subarray(0, saltBytes)
      .toString("base64url")
    const json = encodeDisclosure(salt, name, value)
    return { json, digest: fastDigest(json) }
  }
}
