import { createPrivateKey, generateKeyPair, type KeyObject, X509Certificate } from "node:crypto"
import { promisify } from "node:util"
import { assert, PosternError } from "@postern/log/base"
import type { Profile } from "../profile.ts"
import { createCertificateRequest } from "./certificate-request.ts"

const generate = promisify(generateKeyPair)

/** A new key, and the request for its certificate. */
export interface NewKey {
  /** PKCS#8, PEM. */
  readonly key: string
  /** PKCS#10, DER. */
  readonly request: Uint8Array
}

/** A new P-256 key. */
export async function createPair(): Promise<NewKey> {
  const keys: { privateKey: KeyObject; publicKey: KeyObject } = await generate("ec", {
    namedCurve: "P-256",
  })
  const key = keys.privateKey.export({ type: "pkcs8", format: "pem" })
  assert(typeof key === "string", "PEM is text")
  return { key, request: createCertificateRequest(keys) }
}

/** When a certificate is good, milliseconds. */
export interface Life {
  readonly fromMs: number
  readonly toMs: number
}

/** Of the first certificate of a PEM text. Errors of node:crypto if it is none. */
export function lifeOf(certificate: string): Life {
  const { validFrom, validTo } = new X509Certificate(certificate)
  return { fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) }
}

const clientAuth = "1.3.6.1.5.5.7.3.2"
/** A port whose clock is ahead may issue what is not valid yet by ours. */
const slackMs = 300_000

/**
 * Whether what the port gave is the certificate that was asked for: for this key and identity, by a CA of the profile, good now.
 * Errors: RENEWAL_FAILED with what is wrong.
 */
export function judgeCertificate(
  certificate: string,
  key: string,
  profile: Pick<Profile, "id" | "ca">,
  nowMs: number,
): void {
  let fault: string | undefined
  try {
    fault = faultOf(new X509Certificate(certificate), key, profile, nowMs)
  } catch (cause) {
    throw new PosternError("RENEWAL_FAILED", "it is not a certificate in PEM", { cause })
  }
  if (fault !== undefined) throw new PosternError("RENEWAL_FAILED", fault)
}

function faultOf(
  made: X509Certificate,
  key: string,
  { id, ca }: Pick<Profile, "id" | "ca">,
  nowMs: number,
): string | undefined {
  if (!made.checkPrivateKey(createPrivateKey(key))) return "it is for another key"
  const names = made.subjectAltName ?? ""
  const uris = names.split(", ").filter((name) => name.startsWith("URI:"))
  if (uris.length !== 1 || uris[0] !== `URI:${id}` || names.includes('"')) {
    return `it is not of ${id}`
  }
  if (made.ca || !(made.keyUsage ?? []).includes(clientAuth)) return "it is not made for clients"
  if (!isIssuedBy(ca, made)) return "no CA of the profile issued it"
  const { fromMs, toMs } = lifeOf(made.toString())
  if (fromMs > nowMs + slackMs || toMs <= nowMs) return "it is not valid now"
  return undefined
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

function isIssuedBy(authorities: string, made: X509Certificate): boolean {
  return (authorities.match(pemCertificate) ?? []).some((text) => {
    const ca = new X509Certificate(text)
    return made.checkIssued(ca) && made.verify(ca.publicKey)
  })
}
