import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { formatVkey, type NoteSigner, noteKeyId } from "@postern/log/tlog"

/** A key that signs notes, and the verifier key of it. */
export interface SigningKey {
  readonly vkey: string
  readonly signer: NoteSigner
}

/** @param pem Ed25519 private key, PKCS #8. Errors: CONFIG_INVALID */
export function openKeyFile(name: string, pem: string): SigningKey {
  const key = readKey(name, pem)
  const spki = createPublicKey(key).export({ type: "spki", format: "der" })
  const publicKey = new Uint8Array(spki.subarray(spki.length - 32))
  const signer: NoteSigner = {
    name,
    keyId: noteKeyId(name, publicKey),
    sign: (message) => signOnPool(key, message),
  }
  return { vkey: formatVkey(name, publicKey), signer }
}

function readKey(name: string, pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch (cause) {
    throw new PosternError("CONFIG_INVALID", `the key of ${name} cannot be read`, { cause })
  }
  if (key.asymmetricKeyType === "ed25519") return key
  throw new PosternError("CONFIG_INVALID", `the key of ${name} is not an Ed25519 key`)
}

/** On the thread pool, beside the write and the fdatasync of the slot that it signs for. */
function signOnPool(key: KeyObject, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(null, message, key, (error, signature) => {
      if (error === null) resolve(signature)
      else reject(error)
    })
  })
}
