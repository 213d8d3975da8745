import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from "node:crypto"
import type { ExtendedKeyUsage, X509Certificate } from "@peculiar/x509"
import { assert, PosternError } from "@postern/log/base"
import { isSpiffeId } from "../../access/index.ts"
import { encodeUriConstraint } from "./der.ts"
import { loadX509, type X509 } from "./x509.ts"

const dayMs = 86_400_000
/** Certificates are valid a little before they are made, for peers whose clock is behind: so long, but at most a twelfth of their life. */
const backdateMs = 300_000
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const
const nameConstraints = "2.5.29.30"
const trustDomainPattern = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/

/** A certificate and its private key (PKCS#8), PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

export interface AuthorityOptions {
  /** SPIFFE trust domain: the only one the CA can name (name constraints). */
  readonly trustDomain: string
  readonly now: Date
  /** Validity, default 3650. */
  readonly days?: number
}

/**
 * A new P-256 CA: no CA below it, URI names of its trust domain only. Errors: USAGE for a bad trust
 * domain.
 */
export async function createAuthority(options: AuthorityOptions): Promise<KeyPair> {
  const { trustDomain } = options
  if (!trustDomainPattern.test(trustDomain)) {
    throw new PosternError("USAGE", `${JSON.stringify(trustDomain)} is not a trust domain`)
  }
  const x509 = await loadX509()
  const keys = await createKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Postern CA of ${trustDomain}`.slice(0, 64)] }],
    keys,
    signingAlgorithm: algorithm,
    ...validity(options.now, options.days ?? 3650),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      new x509.Extension(nameConstraints, true, encodeUriConstraint(trustDomain)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: pem(certificate), key: await privatePem(keys) }
}

export interface CertificateOptions {
  /** Of several certificates in it, the one that the key belongs to signs. */
  readonly authority: KeyPair
  /** SPIFFE ID: the certificate's one URI name. */
  readonly id: string
  /** What it may be used for: extended key usage clientAuth, serverAuth, or both. */
  readonly usage: "client" | "server" | "both"
  readonly now: Date
  /** Validity, default 365; never beyond the authority's. */
  readonly days?: number
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
}

/**
 * A new P-256 key and its certificate by the authority, with exactly one URI name.
 * Errors: USAGE for a bad id, CONFIG_INVALID if the authority's PEMs do not fit or it has expired.
 */
export async function issueCertificate(options: CertificateOptions): Promise<KeyPair> {
  const x509 = await loadX509()
  const keys = await createKeys()
  const der = new Uint8Array(await webcrypto.subtle.exportKey("spki", keys.publicKey))
  const certificate = await certify(x509, options, der)
  return { certificate, key: await privatePem(keys) }
}

/**
 * A certificate (PEM) for a key that somebody else holds. Whether it does is for the caller to know.
 * @param publicKey SubjectPublicKeyInfo, DER. Errors: as issueCertificate
 */
export async function certifyKey(
  options: CertificateOptions,
  publicKey: Uint8Array,
): Promise<string> {
  return certify(await loadX509(), options, publicKey)
}

async function certify(x509: X509, options: CertificateOptions, der: Uint8Array): Promise<string> {
  if (!isSpiffeId(options.id)) throw new PosternError("USAGE", `${options.id} is not a SPIFFE ID`)
  const issuer = await openAuthority(x509, options.authority, options.now)
  const publicKey = new x509.PublicKey(new Uint8Array(der))
  const wanted = validity(options.now, options.days ?? 365)
  const certificate = await x509.X509CertificateGenerator.create({
    publicKey,
    subject: [{ CN: [(options.id.split("/").at(-1) ?? "").slice(0, 64)] }],
    issuer: issuer.certificate.subjectName,
    signingKey: issuer.key,
    signingAlgorithm: algorithm,
    notBefore: wanted.notBefore,
    notAfter: earlier(wanted.notAfter, issuer.certificate.notAfter),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages(x509, options.usage)),
      new x509.SubjectAlternativeNameExtension([
        { type: "url", value: options.id },
        ...(options.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
        ...(options.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
    ],
  })
  return pem(certificate)
}

function usages(x509: X509, usage: CertificateOptions["usage"]): ExtendedKeyUsage[] {
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage
  if (usage === "both") return [clientAuth, serverAuth]
  return [usage === "client" ? clientAuth : serverAuth]
}

async function openAuthority(x509: X509, authority: KeyPair, now: Date) {
  let certificate: X509Certificate
  let der: Buffer
  try {
    const key = createPrivateKey(authority.key)
    const bundle = splitBundle(authority.certificate)
    if (bundle.length === 0) throw new Error("no certificate is there")
    const parsed = bundle
      .map((text) => new NodeCertificate(text))
      .find((one) => one.ca && one.checkPrivateKey(key))
    if (parsed === undefined) {
      throw new PosternError("CONFIG_INVALID", "the CA's key does not belong to its certificate")
    }
    certificate = new x509.X509Certificate(parsed.raw)
    der = key.export({ type: "pkcs8", format: "der" })
  } catch (cause) {
    if (cause instanceof PosternError) throw cause
    throw new PosternError("CONFIG_INVALID", "the CA's certificate or key is not PEM", { cause })
  }
  if (certificate.notAfter <= now) throw new PosternError("CONFIG_INVALID", "the CA has expired")
  const key = await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"])
  return { certificate, key }
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The certificates of a text, PEM each, in its order; none if there are none. */
export function splitBundle(text: string): string[] {
  return text.match(pemCertificate)?.map((one) => `${one}\n`) ?? []
}

async function createKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
}

type CryptoKeyPair = webcrypto.CryptoKeyPair

async function privatePem(keys: CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const text = key.export({ type: "pkcs8", format: "pem" })
  assert(typeof text === "string", "PEM is text")
  return text
}

function pem(certificate: X509Certificate): string {
  return new NodeCertificate(Buffer.from(certificate.rawData)).toString()
}

/** Whole seconds: X.509 times have no fraction. */
function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const nowMs = Math.floor(now.getTime() / 1000) * 1000
  const beforeMs = Math.min(backdateMs, Math.floor((days * dayMs) / 11_000) * 1000)
  return { notBefore: new Date(nowMs - beforeMs), notAfter: new Date(nowMs + days * dayMs) }
}

/** The `days` with which a certificate is made that lives as long as this one, from notBefore to notAfter. */
export function daysOfLife(certificate: NodeCertificate): number {
  const lifeMs = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
  return (lifeMs - Math.min(backdateMs, Math.floor(lifeMs / 12_000) * 1000)) / dayMs
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b
}
