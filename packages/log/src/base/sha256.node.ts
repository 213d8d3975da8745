import { hash } from "node:crypto"

/** SHA-256 (FIPS 180-4) of the bytes, 32 bytes. Node's own; the browser's twin is sha256.ts. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = hash("sha256", bytes, "buffer")
  // A plain Uint8Array: a Buffer's slice() is a view and its toJSON() an object, which nobody expects of a hash.
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length)
}
