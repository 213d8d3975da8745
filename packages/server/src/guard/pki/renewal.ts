import { createPrivateKey, hash, X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../../access/index.ts"
import {
  type CertificateOptions,
  daysOfLife,
  issueCertificate,
  type KeyPair,
  splitBundle,
} from "./authority.ts"

const usageOids = { client: "1.3.6.1.5.5.7.3.2", server: "1.3.6.1.5.5.7.3.1" } as const

export interface RenewalOptions {
  /** The CAs whose certificates are renewed here, and the key of the one that signs. */
  readonly authority: KeyPair
  /** What is to be renewed, and the proof that it is ours to renew: its private key. */
  readonly old: KeyPair
  readonly now: Date
}

/**
 * A new key and a certificate that says what the old one says, for as long as that was made for.
 * Only whoever holds the old key gets one, and only for a certificate of these CAs. One that has
 * expired is renewed as well: both keys are here, and a service that was off for long must start.
 * Errors: CERTIFICATE_REFUSED with the reason, CONFIG_INVALID as issueCertificate().
 */
export async function renewCertificate({ authority, old, now }: RenewalOptions): Promise<KeyPair> {
  const certificate = readOld(old)
  const usage = usageOf(certificate)
  const id = spiffeIdOf(certificate, usage === "both" ? "server" : usage)
  if (issuerOf(old.certificate, authority.certificate) === undefined) {
    throw refused("our CA did not issue it: it is renewed where it comes from")
  }
  const names = (certificate.subjectAltName ?? "").split(", ")
  return issueCertificate({
    ...{ authority, id, usage, now },
    days: daysOfLife(certificate),
    dnsNames: valuesOf(names, "DNS:"),
    ipAddresses: valuesOf(names, "IP Address:"),
  })
}

const chainMax = 8

/**
 * The CA of a bundle under which a certificate stands, directly or by others that follow it in its
 * own text; undefined if there is none. Errors of node:crypto if the text holds no certificate.
 */
export function issuerOf(chain: string, bundle: string): X509Certificate | undefined {
  const between = splitBundle(chain).map((text) => new X509Certificate(text))
  const trusted = splitBundle(bundle).map((text) => new X509Certificate(text))
  let at = between[0] ?? new X509Certificate(chain)
  for (let steps = 0; steps < chainMax; steps++) {
    const isIssuer = (ca: X509Certificate) => at.checkIssued(ca) && at.verify(ca.publicKey)
    const found = trusted.find(isIssuer)
    if (found !== undefined) return found
    const next = between.find((one) => one.ca && isIssuer(one))
    if (next === undefined) return undefined
    at = next
  }
  return undefined
}

/** SHA-256 of a certificate (DER), lower-case hex. */
export function fingerprint(certificate: X509Certificate): string {
  return hash("sha256", certificate.raw, "hex")
}

function readOld({ certificate, key }: KeyPair): X509Certificate {
  let parsed: X509Certificate
  let isHeld: boolean
  try {
    parsed = new X509Certificate(certificate)
    isHeld = parsed.checkPrivateKey(createPrivateKey(key))
  } catch (cause) {
    throw new PosternError("CERTIFICATE_REFUSED", "certificate or key is not PEM", { cause })
  }
  if (!isHeld) throw refused("the key does not belong to it")
  return parsed
}

function usageOf({ keyUsage = [] }: X509Certificate): CertificateOptions["usage"] {
  const isServer = keyUsage.includes(usageOids.server)
  if (isServer && keyUsage.includes(usageOids.client)) return "both"
  return isServer ? "server" : "client"
}

function valuesOf(names: readonly string[], prefix: string): string[] {
  return names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
}

function refused(detail: string): PosternError {
  return new PosternError("CERTIFICATE_REFUSED", detail)
}
