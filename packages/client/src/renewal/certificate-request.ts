import { type KeyObject, sign } from "node:crypto"
import { assert, concatBytes, parseHex } from "@postern/log/base"

/** AlgorithmIdentifier of ECDSA with SHA-256 (RFC 5758 §3.2), whole. */
const ecdsaWithSha256 = bytesOf("300a06082a8648ce3d040302")
const version0 = bytesOf("020100")
const noName = bytesOf("3000")
const noAttributes = bytesOf("a000")
const tags = { bits: 0x03, sequence: 0x30 } as const

/**
 * A PKCS#10 certificate request (RFC 2986) in DER for a P-256 key, signed by it: the proof that whoever asks holds the key. Without a
 * subject: who asks is known by the connection.
 */
export function createCertificateRequest(keys: {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}): Uint8Array {
  const spki = keys.publicKey.export({ type: "spki", format: "der" })
  const info = encodeDer(tags.sequence, version0, noName, spki, noAttributes)
  const signature = sign("sha256", info, keys.privateKey)
  const bits = encodeDer(tags.bits, Uint8Array.of(0), signature)
  return encodeDer(tags.sequence, info, ecdsaWithSha256, bits)
}

/** One value of DER (X.690 §8.1), the length in its shortest form; up to 255 bytes of content. */
function encodeDer(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...content)
  assert(body.length < 0x100, "a request for a P-256 key is short")
  const length = body.length < 0x80 ? [body.length] : [0x81, body.length]
  return concatBytes(Uint8Array.of(tag, ...length), body)
}

function bytesOf(hex: string): Uint8Array {
  const bytes = parseHex(hex)
  assert(bytes !== undefined, "a constant is hex")
  return bytes
}
