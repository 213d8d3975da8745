import { createPublicKey, webcrypto } from "node:crypto"

// Its container refuses to load without them; nothing here needs what they do.
const nothing = (): undefined => undefined
Object.assign(Reflect, {
  ...{ getMetadata: nothing, getOwnMetadata: nothing, defineMetadata: nothing },
})
export const x509 = await import("@peculiar/x509")

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const

export interface Wanted {
  readonly id?: string
  readonly fromMs: number
  readonly toMs: number
  /** Extended key usage; clientAuth unless said otherwise. */
  readonly usage?: string
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
}

export const writerId = "spiffe://postern.test/writer/app"

/** A CA that certifies whatever a test asks for. */
export async function openAuthority() {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ name: "CN=test CA", keys, signingAlgorithm: algorithm },
    notBefore: new Date(0),
    notAfter: new Date("2100-01-01"),
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  })
  async function certify(wanted: Wanted): Promise<string> {
    const { clientAuth } = x509.ExtendedKeyUsage
    const made = await x509.X509CertificateGenerator.create({
      publicKey: new x509.PublicKey(wanted.spki),
      ...{ subject: "CN=leaf", issuer: ca.subjectName },
      ...{ signingKey: keys.privateKey, signingAlgorithm: algorithm },
      ...{ notBefore: new Date(wanted.fromMs), notAfter: new Date(wanted.toMs) },
      extensions: [
        new x509.ExtendedKeyUsageExtension([wanted.usage ?? clientAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: "url", value: wanted.id ?? writerId }]),
      ],
    })
    return `${made.toString("pem")}\n`
  }
  return { certificate: `${ca.toString("pem")}\n`, certify }
}

export function keyOfRequest(request: Uint8Array): Uint8Array {
  return new Uint8Array(new x509.Pkcs10CertificateRequest(request).publicKey.rawData)
}

export function keyOfPrivate(pem: string): Uint8Array {
  return new Uint8Array(createPublicKey(pem).export({ type: "spki", format: "der" }))
}
