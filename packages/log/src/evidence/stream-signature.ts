import { encodeUtf8, equalBytes, formatBase64, parseBase64, verifyEd25519 } from "../base/index.ts"

/** What a writer signs at a beat or at the end of its stream (docs/spec/evidence.md). */
export interface StreamStatement {
  readonly origin: string
  /** 32 hex digits. */
  readonly stream: string
  readonly kind: "beat" | "close"
  /** Sequence after the last event. */
  readonly next: number
  /** Chain digest there, 32 bytes. */
  readonly digest: Uint8Array
}

export function streamStatementText(statement: StreamStatement): string {
  const { origin, stream, kind, next, digest } = statement
  return `postern-stream/v1\n${origin}\n${stream}\n${kind}\n${next}\n${formatBase64(digest)}\n`
}

const signatureBytes = 64
/** SubjectPublicKeyInfo (RFC 8410, RFC 5480) up to the key itself. */
const ed25519Prefix = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0)
// biome-ignore format: DER
const p256Prefix = Uint8Array.of(
  0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1,
  6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0, 4,
)
const ed25519KeyBytes = 32
const p256KeyBytes = 64

/**
 * Whether the writer's key signed the statement: Ed25519, or ECDSA P-256 with SHA-256 (r ‖ s). False
 * for keys of any other kind or form, too.
 * @param publicKey base64 of the SubjectPublicKeyInfo · @param signature base64
 */
export async function verifyStreamStatement(
  statement: StreamStatement,
  publicKey: string,
  signature: string,
): Promise<boolean> {
  const key = parseBase64(publicKey)
  const signed = parseBase64(signature)
  if (key === undefined || signed?.length !== signatureBytes) return false
  const message = encodeUtf8(streamStatementText(statement))
  if (hasForm(key, ed25519Prefix, ed25519KeyBytes)) {
    return verifyEd25519(key.subarray(ed25519Prefix.length), message, signed)
  }
  return hasForm(key, p256Prefix, p256KeyBytes) && verifyP256(key, message, signed)
}

function hasForm(key: Uint8Array, prefix: Uint8Array, keyBytes: number): boolean {
  const { length } = prefix
  return key.length === length + keyBytes && equalBytes(key.subarray(0, length), prefix)
}

async function verifyP256(
  spki: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { subtle } = globalThis.crypto
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
  try {
    const key = await subtle.importKey("spki", spki.slice(), algorithm, false, ["verify"])
    return await subtle.verify(algorithm, key, signature.slice(), message.slice())
  } catch {
    return false // A point that is not on the curve: no key, so no signature of it.
  }
}
