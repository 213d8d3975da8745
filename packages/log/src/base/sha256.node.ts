import { createHash, hash } from "node:crypto"

const digestBytes = 32

/** SHA-256 (FIPS 180-4) of the bytes, 32 bytes. Node's own; the browser's twin is sha256.ts. */
export function sha256(bytes: Uint8Array): Uint8Array {
  // As a string of a letter a byte: a Buffer would have its bytes outside of the heap, which costs as much as the hash.
  const letters = hash("sha256", bytes, "binary")
  const digest = new Uint8Array(digestBytes)
  for (let i = 0; i < digestBytes; i++) digest[i] = letters.charCodeAt(i)
  return digest
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
