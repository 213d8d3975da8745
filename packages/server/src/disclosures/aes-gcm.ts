import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto"
import { concatBytes } from "@postern/log/base"

/** AES-256-GCM (NIST SP 800-38D), at once: for the few hundred bytes of a key or of a value out of an entry. */
const algorithm = "aes-256-gcm"
const tag = { authTagLength: 16 } // Without it Node takes shorter ones.
export const nonceBytes = 12
export const tagLength = 16

/** Ciphertext and tag. `bound`: additional data. The nonce must be one that this key was never used with. */
export function encrypt(
  key: KeyObject | Uint8Array,
  nonce: Uint8Array,
  bound: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv(algorithm, key, nonce, tag).setAAD(bound)
  const body = cipher.update(plain)
  return concatBytes(body, cipher.final(), cipher.getAuthTag())
}

/** Undefined if it is not what this key has sealed with this nonce and this additional data. */
export function decrypt(
  key: KeyObject | Uint8Array,
  nonce: Uint8Array,
  bound: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  if (sealed.length < tagLength) return undefined
  const decipher = createDecipheriv(algorithm, key, nonce, tag).setAAD(bound)
  decipher.setAuthTag(sealed.subarray(sealed.length - tagLength))
  const body = decipher.update(sealed.subarray(0, sealed.length - tagLength))
  try {
    decipher.final()
    return body
  } catch {
    return undefined // The tag does not hold: the one thing final() throws for.
  }
}

/**
 * Nonces that no key meets twice, also over crashes: 8 random bytes, drawn anew with each life and each file, then a counter.
 */
export class Nonces {
  readonly prefix: Uint8Array
  #next = 0

  /** @param prefix 8 bytes, random */
  constructor(prefix: Uint8Array) {
    this.prefix = prefix
  }

  /** How many were given out. */
  get count(): number {
    return this.#next
  }

  next(): Uint8Array {
    if (this.#next > 0xffff_ffff) throw new RangeError("all nonces of this prefix are used up")
    return nonceOf(this.prefix, this.#next++)
  }
}

export const noncePrefixBytes = 8

export function nonceOf(prefix: Uint8Array, counter: number): Uint8Array {
  const nonce = Buffer.alloc(nonceBytes)
  nonce.set(prefix)
  nonce.writeUInt32BE(counter, noncePrefixBytes)
  return nonce
}
