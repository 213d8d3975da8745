import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { formatVkey, formatWitnessVkey, noteKeyId, witnessKeyId } from "@postern/log/tlog"

/** The same keys in every run: their seed is 32 times the same byte. */
export const origin = "fuzz.example/log"
export const logKey = keyOf(origin, 1, noteKeyId, formatVkey)
export const nextKey = keyOf(origin, 2, noteKeyId, formatVkey)
export const receiptKey = keyOf(`${origin}/receipts`, 3, noteKeyId, formatVkey)
export const witnesses = [4, 5].map((byte) =>
  keyOf(`witness.example/w${byte - 3}`, byte, witnessKeyId, formatWitnessVkey),
)

/** Whom the opened checkpoints are judged by. */
export const policyText = [
  `log ${logKey.vkey}`,
  `log ${nextKey.vkey} https://fuzz.example/`,
  ...witnesses.map(({ vkey }, i) => `witness w${i + 1} ${vkey} https://w${i + 1}.example/`),
  "group both all w1 w2",
  "quorum both",
  "",
].join("\n")

function keyOf(
  name: string,
  byte: number,
  idOf: (name: string, publicKey: Uint8Array) => number,
  format: (name: string, publicKey: Uint8Array) => string,
) {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex")
  const der = Buffer.concat([prefix, Buffer.alloc(32, byte)])
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(key).export({ format: "der", type: "spki" })
  const publicKey = new Uint8Array(spki.subarray(-32))
  const signed = (message: Uint8Array) => new Uint8Array(sign(null, message, key))
  return { name, vkey: format(name, publicKey), keyId: idOf(name, publicKey), sign: signed }
}
