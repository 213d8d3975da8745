/**
 * Verifies an Ed25519 signature (RFC 8032 §5.1.7) with the platform's WebCrypto, which Node and
 * browsers share. Resolves false for a wrong signature, and for a key or signature of the wrong
 * length.
 * @param publicKey 32 bytes, raw
 * @param signature 64 bytes
 */
export async function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const { subtle } = globalThis.crypto
  const key = await subtle.importKey("raw", owned(publicKey), "Ed25519", false, ["verify"])
  return subtle.verify("Ed25519", key, owned(signature), owned(message))
}

/** WebCrypto refuses views of shared memory, which a view of WebAssembly memory may be. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice()
}
