import { generateKeyPairSync, sign } from "node:crypto"
import {
  formatVkey,
  formatWitnessVkey,
  type NoteSigner,
  noteKeyId,
  witnessKeyId,
} from "@postern/log/tlog"

type KeyedSigner = NoteSigner & { readonly vkey: string }

const pairs = new Map<number, ReturnType<typeof newPair>>()

/** @param number the same one gives the same key within a run */
export function logSigner(name: string, number: number): KeyedSigner {
  const { publicKey, sign } = pair(number)
  return { name, keyId: noteKeyId(name, publicKey), vkey: formatVkey(name, publicKey), sign }
}

export function witnessSigner(name: string, number: number): KeyedSigner {
  const { publicKey, sign } = pair(number)
  const vkey = formatWitnessVkey(name, publicKey)
  return { name, keyId: witnessKeyId(name, publicKey), vkey, sign }
}

function pair(number: number): ReturnType<typeof newPair> {
  const known = pairs.get(number) ?? newPair()
  pairs.set(number, known)
  return known
}

function newPair() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const spki = publicKey.export({ format: "der", type: "spki" })
  return {
    publicKey: new Uint8Array(spki.subarray(12)),
    sign: (message: Uint8Array) => sign(null, message, privateKey),
  }
}
