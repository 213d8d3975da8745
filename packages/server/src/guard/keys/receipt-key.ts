import { PosternError } from "@postern/log/base"
import { receiptKeyName } from "@postern/log/evidence"
import { type Config, readSecretFile } from "../../config/index.ts"
import { createSigningKey, verifierKey } from "../pki/index.ts"
import { replaceSecret } from "../setup/index.ts"

export interface ReceiptRotation {
  readonly file: string
  readonly old: string
  /** Verifier key of the new one; the log key certifies it at the port's next start. */
  readonly new: string
}

/**
 * Puts a new receipt key in the place of the old one, whose bytes are overwritten: receipts carry
 * the certificate of their key, so nobody needs it any more.
 * @throws PosternError CONFIG_INVALID · USAGE for a key that the service manager keeps
 */
export function rotateReceiptKey({ origin, pki }: Config): ReceiptRotation {
  const file = pki.receiptKey
  if (file.startsWith("credential:")) {
    throw new PosternError("USAGE", `${file} is kept by the service manager, not by this command`)
  }
  const name = receiptKeyName(origin)
  const old = verifierKey(name, readSecretFile(file))
  const pem = createSigningKey()
  replaceSecret(file, pem)
  return { file, old, new: verifierKey(name, pem) }
}
