import { createPublicKey, type KeyObject, verify } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { certificateRequestBytesMax } from "@postern/log/wire"

/** What is taken from a certificate request: the key, whose holder signed it. */
export interface CertificateRequest {
  readonly publicKey: KeyObject
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
}

const tags = { integer: 0x02, bits: 0x03, sequence: 0x30, attributes: 0xa0 } as const
/** SubjectPublicKeyInfo of a P-256 key up to the 64 bytes of the point (RFC 5480), which is not compressed. */
const spkiPrefix = "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
const spkiBytes = 91
/** AlgorithmIdentifier of ECDSA with SHA-256 (RFC 5758). */
const ecdsaWithSha256 = "300a06082a8648ce3d040302"

interface Value {
  readonly tag: number
  /** Tag and length included. */
  readonly whole: Uint8Array
  readonly content: Uint8Array
}

/**
 * Reads a PKCS#10 request (RFC 2986) in DER for a P-256 key that is signed by that key. Subject and attributes are passed over
 * unread. Everything in it is hostile. Errors: RENEWAL_REFUSED.
 */
export function parseCertificateRequest(der: Uint8Array): CertificateRequest {
  if (der.length > certificateRequestBytesMax) throw refused("it is longer than 4,096 bytes")
  const [request, ...after] = readValues(der)
  if (request === undefined || request.tag !== tags.sequence || after.length > 0) {
    throw refused("it is not a PKCS#10 request in DER")
  }
  const [info, algorithm, signature, ...more] = readValues(request.content)
  if (info?.tag !== tags.sequence || signature?.tag !== tags.bits || more.length > 0) {
    throw refused("it is not a PKCS#10 request in DER")
  }
  const [version, subject, key, attributes, ...rest] = readValues(info.content)
  if (
    version === undefined ||
    hexOf(version.whole) !== "020100" ||
    subject?.tag !== tags.sequence ||
    (attributes?.tag ?? tags.attributes) !== tags.attributes ||
    rest.length > 0
  ) {
    throw refused("it is not a PKCS#10 request in DER")
  }
  if (algorithm === undefined || hexOf(algorithm.whole) !== ecdsaWithSha256) {
    throw refused("it is not signed by ECDSA with SHA-256")
  }
  const publicKey = readKey(key)
  if (signature.content[0] !== 0) throw refused("its signature is no whole bytes")
  const holds = verify("sha256", info.whole, publicKey, signature.content.subarray(1))
  if (!holds) throw refused("the key in it did not sign it")
  return { publicKey, spki: new Uint8Array((key as Value).whole) }
}

function readKey(value: Value | undefined): KeyObject {
  if (value?.whole.length !== spkiBytes || !hexOf(value.whole).startsWith(spkiPrefix)) {
    throw refused("its key is not a P-256 key")
  }
  try {
    return createPublicKey({ key: Buffer.from(value.whole), format: "der", type: "spki" })
  } catch (cause) {
    throw new PosternError("RENEWAL_REFUSED", "its key is no point of P-256", { cause })
  }
}

/** The values that stand one after the other: tags of one byte, lengths in their shortest form (X.690 §10.1). */
function readValues(bytes: Uint8Array): Value[] {
  const values: Value[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1] ?? 0x80
    const count = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + count
    if ((tag & 0x1f) === 0x1f || first === 0x80 || count > 2) throw refused("it is not DER")
    let length = count === 0 ? first : 0
    for (const byte of bytes.subarray(at + 2, start)) length = length * 256 + byte
    const isShortest = count === 0 || length >= (count === 1 ? 0x80 : 0x100)
    if (!isShortest || start + length > bytes.length) throw refused("it is not DER, or cut off")
    const end = start + length
    values.push({ tag, whole: bytes.subarray(at, end), content: bytes.subarray(start, end) })
    at = end
  }
  return values
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")
}

function refused(detail: string): PosternError {
  return new PosternError("RENEWAL_REFUSED", detail)
}
