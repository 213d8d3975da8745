import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto"
import { promisify } from "node:util"
import { encodeUtf8, formatBase64, PosternError, parseBase64 } from "@postern/log/base"
import { normalizePassphrase } from "./passphrase.ts"

/** The bytes of a sealed credential (docs/spec/break-glass.md). */

const cost = { N: 131_072, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } as const
const keyBytes = 32
const saltBytes = 16
const nonceBytes = 12
const tagBytes = 16
const head = /^postern-break-glass\/v1 (spiffe:\/\/\S{1,2048})\nscrypt 17 8 1 (\S{24})\n(\S+)\n$/

const derive = promisify(
  (passphrase: string, salt: Uint8Array, done: (error: Error | null, key: Buffer) => void) =>
    scrypt(normalizePassphrase(passphrase), salt, keyBytes, cost, done),
)

/** The text of the file. Takes half a second and 128 MiB, as each guess of a thief does. */
export async function sealProfile(
  id: string,
  profile: string,
  passphrase: string,
): Promise<string> {
  const salt = randomBytes(saltBytes)
  const opening = openingOf(id, salt)
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv("aes-256-gcm", await derive(passphrase, salt), nonce)
  cipher.setAAD(encodeUtf8(opening))
  const sealed = [cipher.update(profile, "utf8"), cipher.final()]
  return `${opening}${formatBase64(Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]))}\n`
}

function openingOf(id: string, salt: Uint8Array): string {
  return `postern-break-glass/v1 ${id}\nscrypt 17 8 1 ${formatBase64(salt)}\n`
}

/** Whose it is, as the file says: only opening it proves it. Errors: PROFILE_INVALID. */
export function readSealedId(text: string): string {
  return parse(text).id
}

function parse(text: string): { id: string; salt: Uint8Array; sealed: Uint8Array } {
  const [, id, saltText, sealedText] = head.exec(text) ?? []
  const salt = parseBase64(saltText ?? "")
  const sealed = parseBase64(sealedText ?? "")
  const isWhole = salt?.length === saltBytes && (sealed?.length ?? 0) >= nonceBytes + tagBytes
  if (id !== undefined && salt !== undefined && sealed !== undefined && isWhole)
    return { id, salt, sealed }
  throw new PosternError("PROFILE_INVALID", "it is no sealed credential of break-glass access")
}

/** The profile. Errors: PROFILE_INVALID, also for another passphrase: nobody can tell one from the other. */
export async function unsealProfile(text: string, passphrase: string): Promise<string> {
  const { id, salt, sealed } = parse(text)
  const nonce = sealed.subarray(0, nonceBytes)
  const decipher = createDecipheriv("aes-256-gcm", await derive(passphrase, salt), nonce)
  decipher.setAAD(encodeUtf8(openingOf(id, salt)))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  const inner = sealed.subarray(nonceBytes, -tagBytes)
  try {
    return Buffer.concat([decipher.update(inner), decipher.final()]).toString("utf8")
  } catch (cause) {
    const detail = "the passphrase is another one, or the file was changed"
    throw new PosternError("PROFILE_INVALID", detail, { cause })
  }
}
