import { constants, createPrivateKey, X509Certificate } from "node:crypto"
import { createSecureContext, type SecureContextOptions } from "node:tls"
import { PosternError } from "@postern/log/base"
import type { TlsMaterial } from "./api.ts"

/** TLS 1.3 only; no tickets, because a resumed session would carry on past a revocation. */
const suites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
const groupsWanted = "X25519MLKEM768:X25519:P-256"
const groupsAlways = "X25519:P-256"
const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
let groups: string | undefined

/**
 * Key exchange groups in use: the hybrid one (post-quantum) first where this Node's OpenSSL has it.
 */
export function keyExchangeGroups(): string {
  if (groups !== undefined) return groups
  try {
    createSecureContext({ ecdhCurve: groupsWanted })
    groups = groupsWanted
  } catch {
    groups = groupsAlways // OpenSSL before 3.5 knows no hybrid group and refuses the whole list.
  }
  return groups
}

/**
 * The complete options of a context. setSecureContext() forgets whatever it is not told again, the
 * lowest version for one, so there is no other way to make them. Errors: CONFIG_INVALID.
 */
export function contextOptions(tls: TlsMaterial): SecureContextOptions {
  const authorities = tls.ca.match(pemCertificate) ?? []
  checkMaterial(tls, authorities)
  const options: SecureContextOptions = {
    key: tls.key,
    cert: tls.certificate,
    ca: authorities, // What was checked, and nothing else that may stand in the file.
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    ciphers: suites,
    ecdhCurve: keyExchangeGroups(),
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
  try {
    createSecureContext(options)
  } catch (cause) {
    throw invalid("TLS does not take the key, certificate or CA", cause)
  }
  return options
}

/**
 * The key belongs to the certificate, the certificate covers now, and there is at least one CA and
 * nothing but CAs.
 */
function checkMaterial(tls: TlsMaterial, authorityPems: readonly string[]): void {
  let leaf: X509Certificate
  let authorities: X509Certificate[]
  let fits: boolean
  try {
    leaf = new X509Certificate(tls.certificate)
    fits = leaf.checkPrivateKey(createPrivateKey(tls.key))
    authorities = authorityPems.map((pem) => new X509Certificate(pem))
  } catch (cause) {
    throw invalid("the key, certificate or CA is not PEM", cause)
  }
  if (!fits) throw invalid("the key does not belong to the certificate")
  const now = new Date()
  if (leaf.validFromDate > now) throw invalid("the certificate is not valid yet")
  if (leaf.validToDate < now) throw invalid("the certificate has expired")
  // Without a CA of ours Node would trust all the public ones.
  if (authorities.length === 0) throw invalid("there is no CA certificate")
  if (!authorities.every((authority) => authority.ca)) throw invalid("the CA is not a CA")
}

function invalid(detail: string, cause?: unknown): PosternError {
  return new PosternError("CONFIG_INVALID", `TLS: ${detail}`, { cause })
}
