import { hash, randomBytes, webcrypto } from "node:crypto"
import { concatBytes, encodeUtf8 } from "@postern/log/base"
import type { SealingKey } from "./sealing-keys.ts"

/** The bytes of a sealed file (docs/spec/disclosures.md, Sealed files). The work is done beside the event loop. */

const nonceBytes = 12
const tagBytes = 16
const headPattern = /^postern-sealed\/v1 (\S{1,64}) (\S{43})$/
const headBytesMax = 256
const lineFeed = 0x0a

/** The digest of a disclosure's JSON bytes: what log/event's disclosureDigest gives, fast for megabytes. */
export function fastDigest(json: Uint8Array): string {
  const { buffer, byteOffset, length } = json
  const text = Buffer.from(buffer, byteOffset, length).toString("base64url")
  return hash("sha256", Buffer.from(text, "latin1"), "base64url")
}

export async function seal(
  json: Uint8Array,
  digest: string,
  { id, secret }: SealingKey,
): Promise<Uint8Array> {
  const head = encodeUtf8(`postern-sealed/v1 ${id} ${digest}\n`)
  const nonce = randomBytes(nonceBytes)
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: head }
  const key = await importKey(secret, "encrypt")
  const sealed = await webcrypto.subtle.encrypt(algorithm, key, json as Uint8Array<ArrayBuffer>)
  return concatBytes(head, nonce, new Uint8Array(sealed))
}

/** What a file's first line says, or undefined. Only opening it proves it. */
export function readSealedHead(
  file: Uint8Array,
): { readonly keyId: string; readonly digest: string; readonly headBytes: number } | undefined {
  const end = file.subarray(0, headBytesMax).indexOf(lineFeed)
  const line = Buffer.from(file.subarray(0, Math.max(end, 0))).toString("latin1")
  const [, keyId, digest] = headPattern.exec(line) ?? []
  if (keyId === undefined || digest === undefined) return undefined
  return { keyId, digest, headBytes: end + 1 }
}

/** The JSON bytes, or undefined if the file was damaged or sealed by another key. */
export async function unseal(
  file: Uint8Array,
  digest: string,
  { id, secret }: SealingKey,
): Promise<Uint8Array | undefined> {
  const head = readSealedHead(file)
  if (head?.keyId !== id || head.digest !== digest) return undefined
  const { headBytes } = head
  const start = headBytes + nonceBytes
  if (file.length < start + tagBytes) return undefined
  const algorithm = {
    name: "AES-GCM",
    iv: file.slice(headBytes, start),
    additionalData: file.slice(0, headBytes),
  }
  const key = await importKey(secret, "decrypt")
  try {
    const json = new Uint8Array(await webcrypto.subtle.decrypt(algorithm, key, file.slice(start)))
    return fastDigest(json) === digest ? json : undefined
  } catch {
    return undefined // The tag does not hold: the one thing decrypt() throws for.
  }
}

function importKey(secret: Uint8Array, use: "encrypt" | "decrypt") {
  const bytes = secret as Uint8Array<ArrayBuffer>
  return webcrypto.subtle.importKey("raw", bytes, "AES-GCM", false, [use])
}
