import { createHash, hash } from "node:crypto"

/** SHA-256 (FIPS 180-4) of the bytes, 32 bytes. Node's own; the browser's twin is sha256.ts. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = hash("sha256", bytes, "buffer")
  // A plain Uint8Array: a Buffer's slice() is a view and its toJSON() an object, which nobody expects of a hash.
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length)
}

/** A hash of bytes that come in parts. */
export interface RunningSha256 {
  update(bytes: Uint8Array): void
  /** 32 bytes; nothing may be added afterwards. */
  digest(): Uint8Array
}

/** SHA-256 of bytes that come in parts, as `sha256` of all of them. */
export function startSha256(): RunningSha256 {
  const running = createHash("sha256")
  return {
    update: (bytes) => void running.update(bytes),
    digest: () => new Uint8Array(running.digest()),
  }
}
