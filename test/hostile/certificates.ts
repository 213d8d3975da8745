import { webcrypto } from "node:crypto"
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
} from "../../packages/server/dist/guard/pki/index.js"
import {
  clientUsage,
  createWeakKeys,
  issueOdd,
  type Oddities,
  serverUsage,
} from "../../packages/server/src/acceptor/certificates.test.support.ts"
import { trustDomain } from "../support/installation.ts"

export { clientUsage, createWeakKeys, issueOdd, type Oddities, serverUsage }

const dayMs = 86_400_000

export function url(value: string): { type: "url"; value: string } {
  return { type: "url", value }
}

/** A CA with the name of ours that the port does not know. */
export function foreignAuthority(): Promise<KeyPair> {
  return createAuthority({ trustDomain, now: new Date() })
}

/** Valid for a day from `days` after today. */
export function datedCertificate(authority: KeyPair, id: string, days: number): Promise<KeyPair> {
  const now = new Date(Date.now() + days * dayMs)
  return issueCertificate({ authority, id, usage: "client", now, days: 1 })
}

/** A leaf below a leaf: the second one in the file is the one that signs. */
export async function certificateBelow(leaf: KeyPair, id: string): Promise<KeyPair> {
  const below = await issueOdd(leaf, { names: [url(id)] })
  return { key: below.key, certificate: `${below.certificate}\n${leaf.certificate}` }
}

/** A leaf at the end of so many CAs, each signed by the one before. */
export async function chainOf(authority: KeyPair, links: number, id: string): Promise<KeyPair> {
  let issuer = authority
  let above = ""
  for (let i = 0; i < links; i++) {
    issuer = await issueOdd(issuer, { names: [url(id)], isCa: true, subject: `link ${i}` })
    above = `${issuer.certificate}\n${above}`
  }
  const leaf = await issueOdd(issuer, { names: [url(id)] })
  return { key: leaf.key, certificate: `${leaf.certificate}\n${above}` }
}

/** It says that it was signed by somebody of its own name, with its own key. */
export async function selfSigned(id: string): Promise<KeyPair> {
  const own = await issueOdd(await foreignAuthority(), { names: [url(id)] })
  return issueOdd(own, { names: [url(id)], subject: "odd" })
}

export function createKeys(kind: "RSA-2048" | "P-384"): Promise<webcrypto.CryptoKeyPair> {
  const usages = ["sign", "verify"] as const
  if (kind === "P-384") {
    const algorithm = { name: "ECDSA", namedCurve: kind, hash: "SHA-256" }
    return webcrypto.subtle.generateKey(algorithm, true, usages) as Promise<webcrypto.CryptoKeyPair>
  }
  const algorithm = {
    ...{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 },
    publicExponent: Uint8Array.from([1, 0, 1]),
  }
  return webcrypto.subtle.generateKey(algorithm, true, usages) as Promise<webcrypto.CryptoKeyPair>
}
