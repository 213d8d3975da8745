import "../guard/pki/index.ts"
import { createPrivateKey, webcrypto } from "node:crypto"
import * as x509 from "@peculiar/x509"
import type { KeyPair } from "../guard/pki/index.ts"

const p256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const
/** Extended key usage clientAuth. */
export const clientUsage = x509.ExtendedKeyUsage.clientAuth
/** Extended key usage serverAuth. */
export const serverUsage = x509.ExtendedKeyUsage.serverAuth
const dayMs = 86_400_000

/**
 * What a certificate that no CA of ours would issue looks like; each member takes the place of the
 * proper value.
 */
export interface Oddities {
  readonly names?: readonly { type: "url" | "dns"; value: string }[]
  /** OIDs of the extended key usage; undefined leaves the extension out. */
  readonly usages?: readonly x509.ExtendedKeyUsage[] | undefined
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly subject?: string
  readonly isCa?: boolean
  readonly keys?: webcrypto.CryptoKeyPair
  /** What the CA signs over. */
  readonly digest?: "SHA-1"
}

/** A leaf signed by `authority`, wrong in exactly the ways that `oddities` says. */
export async function issueOdd(authority: KeyPair, oddities: Oddities): Promise<KeyPair> {
  const keys = oddities.keys ?? (await webcrypto.subtle.generateKey(p256, true, ["sign", "verify"]))
  const issuer = new x509.X509Certificate(authority.certificate)
  const der = createPrivateKey(authority.key).export({ type: "pkcs8", format: "der" })
  const usages =
    "usages" in oddities ? oddities.usages : [x509.ExtendedKeyUsage.clientAuth as const]
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(oddities.isCa ?? false, undefined, true),
    new x509.SubjectAlternativeNameExtension([
      ...(oddities.names ?? [{ type: "url", value: "spiffe://postern.test/writer/odd" }]),
    ]),
  ]
  if (usages !== undefined) extensions.push(new x509.ExtendedKeyUsageExtension([...usages]))
  const certificate = await x509.X509CertificateGenerator.create({
    publicKey: keys.publicKey,
    subject: [{ CN: [oddities.subject ?? "odd"] }],
    issuer: issuer.subjectName,
    signingKey: await webcrypto.subtle.importKey("pkcs8", der, p256, false, ["sign"]),
    signingAlgorithm: { ...p256, hash: oddities.digest ?? p256.hash },
    notBefore: oddities.notBefore ?? new Date(Date.now() - dayMs),
    notAfter: oddities.notAfter ?? new Date(Date.now() + dayMs),
    extensions,
  })
  return { certificate: certificate.toString("pem"), key: await privatePem(keys) }
}

/** An RSA key of 1024 bits: too weak for anything today. */
export function createWeakKeys(): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 1024,
    publicExponent: Uint8Array.from([1, 0, 1]),
  }
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
}

async function privatePem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  return key.export({ type: "pkcs8", format: "pem" }).toString()
}
