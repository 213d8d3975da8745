import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto"
import { concatBytes, parseHex } from "../base/index.ts"
import { formatVkey, formatWitnessVkey, type NoteSigner, noteKeyId, witnessKeyId } from "./index.ts"

type KeyedSigner = NoteSigner & { vkey: string }

/** A signer with node:crypto, as the port has one; its seed is 32 times the byte. */
export function signerOf(name: string, seedByte: number): KeyedSigner {
  const { key, publicKey } = keysOf(seedByte)
  return {
    name,
    keyId: noteKeyId(name, publicKey),
    vkey: formatVkey(name, publicKey),
    sign: (message) => sign(null, message, key),
  }
}

/** The same for a witness. */
export function witnessOf(name: string, seedByte: number): KeyedSigner {
  const { key, publicKey } = keysOf(seedByte)
  return {
    name,
    keyId: witnessKeyId(name, publicKey),
    vkey: formatWitnessVkey(name, publicKey),
    sign: (message) => sign(null, message, key),
  }
}

function keysOf(seedByte: number): { key: KeyObject; publicKey: Uint8Array } {
  const prefix = parseHex("302e020100300506032b657004220420") as Uint8Array
  const der = Buffer.from(concatBytes(prefix, new Uint8Array(32).fill(seedByte)))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(key).export({ format: "der", type: "spki" })
  return { key, publicKey: new Uint8Array(spki.subarray(12)) }
}
