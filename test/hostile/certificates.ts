import { webcrypto } from "node:crypto"
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
} from "../../packages/server/dist/guard/pki/index.js"
import { loadX509 } from "../../packages/server/dist/guard/pki/x509.js"
import { trustDomain } from "../support/installation.ts"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const
const dayMs = 86_400_000

/** The same ID, from a CA that the port does not know. */
export async function foreignCertificate(id: string): Promise<KeyPair> {
  const authority = await createAuthority({ trustDomain, now: new Date() })
  return issueCertificate({ authority, id, usage: "client", now: new Date() })
}

/** Valid for a day from `days` after today. */
export function datedCertificate(authority: KeyPair, id: string, days: number): Promise<KeyPair> {
  const now = new Date(Date.now() + days * dayMs)
  return issueCertificate({ authority, id, usage: "client", now, days: 1 })
}

/** A leaf of our CA that no tool of ours makes: as many URI names as are given, perhaps none. */
export async function namedCertificate(
  authority: KeyPair,
  uris: readonly string[],
): Promise<KeyPair> {
  const x509 = await loadX509()
  const pair = (await webcrypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ])) as webcrypto.CryptoKeyPair
  const issuer = new x509.X509Certificate(authority.certificate)
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    x509.PemConverter.decodeFirst(authority.key),
    algorithm,
    false,
    ["sign"],
  )
  const names = uris.map((value) => ({ type: "url" as const, value }))
  const leaf = await x509.X509CertificateGenerator.create({
    publicKey: pair.publicKey,
    subject: "CN=hostile",
    issuer: issuer.subjectName,
    signingKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - dayMs / 24),
    notAfter: new Date(Date.now() + dayMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.length > 0 ? names : [{ type: "dns", value: "writer.postern.local" }],
      ),
    ],
  })
  const key = await webcrypto.subtle.exportKey("pkcs8", pair.privateKey)
  return { certificate: leaf.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") }
}
