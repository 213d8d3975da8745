import { assert } from "@postern/log/base"
import { encodeDer } from "../pki/index.ts"

/** id-sha256, 2.16.840.1.101.3.4.2.1 (RFC 5754 §2.2), as the content of an OBJECT IDENTIFIER. */
export const sha256Id = Uint8Array.of(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01)

const version1 = encodeDer(0x02, Uint8Array.of(1))
const absent = encodeDer(0x05)
const wantsCertificate = encodeDer(0x01, Uint8Array.of(0xff))

/**
 * A TimeStampReq (RFC 3161 §2.4.1) for a SHA-256 digest, which asks for the authority's certificate too.
 * @param nonce 8 random bytes: the answer has to carry them
 */
export function encodeTimestampRequest(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  assert(digest.length === 32 && nonce.length === 8, "a digest of 32 and a nonce of 8 bytes")
  const algorithm = encodeDer(0x30, encodeDer(0x06, sha256Id), absent)
  const imprint = encodeDer(0x30, algorithm, encodeDer(0x04, digest))
  return encodeDer(0x30, version1, imprint, encodeInteger(nonce), wantsCertificate)
}

/** Positive, in as few bytes as DER wants (X.690 §8.3). */
function encodeInteger(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0)
  const digits = start === -1 ? Uint8Array.of(0) : bytes.subarray(start)
  const isNegative = ((digits[0] as number) & 0x80) !== 0
  return isNegative ? encodeDer(0x02, Uint8Array.of(0), digits) : encodeDer(0x02, digits)
}
