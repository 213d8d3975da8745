import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto"
import { assert, PosternError, parseHex } from "@postern/log/base"
import { formatVkey, type NoteSigner, noteKeyId } from "@postern/log/tlog"

/** SubjectPublicKeyInfo of an Ed25519 key up to the 32 bytes of the key (RFC 8410 §4). */
const spkiPrefix = "302a300506032b6570032100"

/** The keys that the port signs with: Ed25519, PKCS#8 PEM. */
export interface LogKeys {
  /** Signs checkpoints and certifies the receipt key. Its public half is what everybody pins. */
  readonly logKey: string
  /** Signs receipts. */
  readonly receiptKey: string
}

export function createLogKeys(): LogKeys {
  return { logKey: createSigningKey(), receiptKey: createSigningKey() }
}

/** A new Ed25519 private key, PKCS#8 PEM. */
export function createSigningKey(): string {
  const text = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })
  assert(typeof text === "string", "PEM is text")
  return text
}

/**
 * The verifier key (signed-note v1.0.0) of a private key, under a name: the origin for the log key.
 * Errors: CONFIG_INVALID if it is not an Ed25519 private key in PEM.
 */
export function verifierKey(name: string, privateKey: string): string {
  return formatVkey(name, rawPublicKey(openSigningKey(privateKey)))
}

/** Signs notes under this name. Errors: as verifierKey. */
export function openNoteSigner(name: string, privateKey: string): NoteSigner {
  const key = openSigningKey(privateKey)
  const keyId = noteKeyId(name, rawPublicKey(key))
  return { name, keyId, sign: (message) => sign(null, message, key) }
}

function openSigningKey(pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new PosternError("CONFIG_INVALID", "a signing key is not PEM", { cause })
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new PosternError("CONFIG_INVALID", "a signing key is not an Ed25519 key")
  }
  return key
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const spki = createPublicKey(key).export({ type: "spki", format: "der" })
  const prefix = parseHex(spkiPrefix) ?? new Uint8Array()
  assert(spki.length === prefix.length + 32, "an Ed25519 key has 32 bytes")
  return new Uint8Array(spki.subarray(prefix.length))
}
