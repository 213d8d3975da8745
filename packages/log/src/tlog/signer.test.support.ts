import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { concatBytes, parseHex } from "../base/index.ts"
import { formatVkey, type NoteSigner, noteKeyId } from "./index.ts"

/** A signer with node:crypto, as the port has one; its seed is 32 times the byte. */
export function signerOf(name: string, seedByte: number): NoteSigner & { vkey: string } {
  const prefix = parseHex("302e020100300506032b657004220420") as Uint8Array
  const der = Buffer.from(concatBytes(prefix, new Uint8Array(32).fill(seedByte)))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(key).export({ format: "der", type: "spki" })
  const publicKey = new Uint8Array(spki.subarray(12))
  return {
    name,
    keyId: noteKeyId(name, publicKey),
    vkey: formatVkey(name, publicKey),
    sign: (message) => sign(null, message, key),
  }
}
