import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { SegmentKey, SegmentKeyMaker, SegmentKeys } from "./segment-keys.ts"

const algorithm = "aes-256-gcm"
const tag = { authTagLength: 16 }

/** One wrapping key that lies in no file, as the strongroom's are: for those who want to see encrypted segments and keys that are away. */
export function memoryKeys(): { readonly keys: SegmentKeys; readonly maker: SegmentKeyMaker } {
  const wrapping = randomBytes(32)
  const kid = randomBytes(4).toString("hex")
  return {
    keys: {
      find: (asked) => {
        if (asked !== kid) return undefined
        return {
          unwrap(wrapped, bound) {
            const secret = open(wrapping, wrapped.subarray(0, 12), bound, wrapped.subarray(12))
            return secret && keyOf(secret)
          },
        }
      },
    },
    maker: {
      make() {
        const secret = randomBytes(32)
        const nonce = randomBytes(12)
        const wrap = (bound: Uint8Array) =>
          Buffer.concat([nonce, seal(wrapping, nonce, bound, secret)])
        return { kid, key: keyOf(secret), wrap }
      },
    },
  }
}

function keyOf(secret: Uint8Array): SegmentKey {
  return {
    seal: (block, bound, bytes) => seal(secret, nonceOf(block), bound, bytes),
    open: (block, bound, sealed) => open(secret, nonceOf(block), bound, sealed),
  }
}

function nonceOf(block: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(block, 8)
  return nonce
}

function seal(key: Uint8Array, nonce: Uint8Array, bound: Uint8Array, bytes: Uint8Array): Buffer {
  const cipher = createCipheriv(algorithm, key, nonce, tag).setAAD(bound)
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

function open(key: Uint8Array, nonce: Uint8Array, bound: Uint8Array, sealed: Uint8Array) {
  if (sealed.length < 16) return undefined
  const decipher = createDecipheriv(algorithm, key, nonce, tag).setAAD(bound)
  decipher.setAuthTag(sealed.subarray(-16))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
  } catch {
    return undefined // The tag does not hold.
  }
}
