import { hash } from "node:crypto"

const blockBytes = 64
const digestBytes = 32
/** A text of so many bytes, with its key, is put together in memory that is there already. */
const shortBytes = 4_096

/**
 * HMAC-SHA-256 (RFC 2104) by two one-shot hashes whose digests come as texts: a fifth of what createHmac costs for a short
 * text. @param key at most 64 bytes @returns of the parts, joined with 0x00, in base64url
 */
export function openMac(key: Uint8Array): (parts: readonly Uint8Array[]) => string {
  const padded = (pad: number): Buffer => {
    const block = Buffer.alloc(blockBytes, pad)
    for (const [i, byte] of key.entries()) block[i] = byte ^ pad
    return block
  }
  const inner = padded(0x36)
  const short = Buffer.concat([inner, Buffer.alloc(shortBytes - blockBytes)])
  const outer = Buffer.concat([padded(0x5c), Buffer.alloc(digestBytes)])
  return (parts) => {
    let bytes = blockBytes + parts.length - 1
    for (const part of parts) bytes += part.length
    const text = bytes <= shortBytes ? short : Buffer.concat([inner], bytes)
    let at = blockBytes
    for (const part of parts) {
      if (at > blockBytes) text[at - 1] = 0
      text.set(part, at)
      at += part.length + 1
    }
    outer.write(hash("sha256", text.subarray(0, bytes), "binary"), blockBytes, "latin1")
    return hash("sha256", outer, "base64url")
  }
}
