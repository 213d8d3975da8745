import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { concatBytes, encodeUtf8, parseHex } from "@postern/log/base"
import {
  consistencyProof,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVkey,
  leafHash,
  type NoteSigner,
  noteKeyId,
  signNote,
  treeRoot,
} from "@postern/log/tlog"

/** A log of up to 256 entries in memory, which also signs what is not so. */
export interface SmallLog {
  readonly vkey: string
  readonly origin: string
  root(size: number): Promise<Uint8Array>
  note(size: number, root?: Uint8Array): Promise<string>
  proof(from: number, to: number): Promise<Uint8Array[]>
  /** A whole request body that is right. */
  request(from: number, to: number): Promise<string>
}

/** @param history another one gives other entries from index 2 on: a second history of the log */
export function smallLog(origin: string, seed = 1, history = "a"): SmallLog {
  const signer = signerOf(origin, seed)
  const entries = Array.from({ length: 256 }, (_, i) => `entry ${i} ${i < 2 ? "" : history}`)
  const hashes = concatBytes(...entries.map((text) => leafHash(encodeUtf8(text))))
  const read = (_level: number, from: number, to: number) => hashes.subarray(32 * from, 32 * to)
  const root = (size: number) => treeRoot(size, read)
  const note = async (size: number, other?: Uint8Array) =>
    signNote(formatCheckpoint({ origin, size, root: other ?? (await root(size)) }), signer)
  const proof = (from: number, to: number) => consistencyProof(from, to, read)
  return {
    vkey: signer.vkey,
    origin,
    root,
    note,
    proof,
    request: async (from, to) =>
      formatAddCheckpoint({ oldSize: from, proof: await proof(from, to), note: await note(to) }),
  }
}

export function signerOf(name: string, seed: number): NoteSigner & { vkey: string } {
  const prefix = parseHex("302e020100300506032b657004220420") ?? new Uint8Array()
  const der = Buffer.from(concatBytes(prefix, new Uint8Array(32).fill(seed)))
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
