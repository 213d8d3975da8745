import { createPrivateKey, X509Certificate } from "node:crypto"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { isPosternError, PosternError } from "@postern/log/base"
import { type Config, readSecretFile, readTextFile } from "../../config/index.ts"
import { fingerprint, type KeyPair, splitBundle } from "../pki/index.ts"

/** The CA that is to be dropped stands here while it is still trusted. */
export function leavingFile({ pki }: Pick<Config, "pki">): string {
  return join(dirname(pki.ca), "ca-leaving.crt")
}

export function readLeaving(config: Config): X509Certificate | undefined {
  const file = leavingFile(config)
  return existsSync(file) ? new X509Certificate(readTextFile(file)) : undefined
}

/** True for the SHA-256 of the CA that is to be dropped. */
export function isLeaving(config: Config, authority: string | undefined): boolean {
  const leaving = readLeaving(config)
  return leaving !== undefined && authority === fingerprint(leaving)
}

/** The trusted CA whose key is here; undefined if it is of none. Errors: CONFIG_INVALID. */
export function readIssuing({ pki }: Config): X509Certificate | undefined {
  if (pki.caKey === undefined) return undefined
  const key = createPrivateKey(readSecretFile(pki.caKey))
  return splitBundle(readTextFile(pki.ca))
    .map((text) => new X509Certificate(text))
    .find((one) => one.checkPrivateKey(key))
}

/**
 * The CA that issues here, and the one that it replaces: what others issued is renewed where it
 * comes from, though it may be trusted. Errors: CONFIG_INVALID.
 */
export function ownAuthority(config: Config): KeyPair {
  const { file, pki } = config
  if (pki.caKey === undefined) {
    const detail = "pki.caKey is missing, so no certificate can be made here"
    throw new PosternError("CONFIG_INVALID", `${file}: ${detail}`)
  }
  const own = [readIssuing(config), readLeaving(config)].map((one) => one?.toString() ?? "")
  return { certificate: own.join(""), key: readSecretFile(pki.caKey) }
}

/** SHA-256 of each of them; none for somebody who may not read the CA's key. */
export function ownAuthorities(config: Config): string[] {
  try {
    const { certificate } = ownAuthority(config)
    return splitBundle(certificate).map((text) => fingerprint(new X509Certificate(text)))
  } catch (error) {
    if (isPosternError(error)) return []
    throw error
  }
}
