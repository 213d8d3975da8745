import { hash } from "node:crypto"

/** SHA-256 (FIPS 180-4) of the bytes, 32 bytes. Node's own; the browser's twin is sha256.ts. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer")
}
