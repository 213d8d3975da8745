import { createSecretKey, type KeyObject, randomBytes } from "node:crypto"
import { decrypt, encrypt, Nonces, nonceBytes, noncePrefixBytes } from "./aes-gcm.ts"
import { boundBytes } from "./key-record.ts"

/** One generation of the key that wraps all others. */
export class WrappingKey {
  readonly generation: number
  readonly #key: KeyObject
  readonly #nonces = new Nonces(randomBytes(noncePrefixBytes))

  /** @param secret 32 bytes */
  constructor(generation: number, secret: Uint8Array) {
    this.generation = generation
    this.#key = createSecretKey(secret)
  }

  /** Nonce, ciphertext and tag of a key, bound to the beginning of its record. */
  wrap(secret: Uint8Array, record: Uint8Array): Uint8Array {
    const nonce = this.#nonces.next()
    const sealed = encrypt(this.#key, nonce, record.subarray(0, boundBytes), secret)
    return Buffer.concat([nonce, sealed])
  }

  /** Undefined if it is not this key's, or damaged. */
  unwrap(wrapped: Uint8Array, record: Uint8Array): Buffer | undefined {
    const nonce = wrapped.subarray(0, nonceBytes)
    return decrypt(this.#key, nonce, record.subarray(0, boundBytes), wrapped.subarray(nonceBytes))
  }
}
