import { createHash, verify, X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"
import { type AccessList, spiffeIdOf } from "../access/index.ts"
import { invalid, parseStatement, type Statement, schemeOf } from "./statement.ts"

const ageMaxMs = 7 * 86_400_000
const aheadMaxMs = 5 * 60_000

/** What a statement is held against. */
export interface StatementWorld {
  readonly origin: string
  /** The list in force: it says who is an operator. */
  readonly list: AccessList
  /** CA certificates, PEM, one or more. */
  readonly ca: string
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** A statement that counts. */
export interface SignedStatement extends Statement {
  readonly text: string
  /** SPIFFE ID of the operator. */
  readonly by: string
  /** SHA-256 of the operator's public key, hex. */
  readonly key: string
}

/**
 * The whole check of docs/spec/approvals.md. Everything in the text is hostile. Errors: APPROVAL_INVALID with what is
 * wrong, CERTIFICATE_REFUSED for a certificate that names no operator.
 */
export function checkStatement(text: string, world: StatementWorld): SignedStatement {
  const { body, certificate: der, signature, ...statement } = parseStatement(text)
  if (statement.origin !== world.origin) throw invalid(`it is about ${statement.origin}`)
  const ageMs = world.nowMs - Date.parse(statement.time)
  if (ageMs > ageMaxMs || ageMs < -aheadMaxMs) throw invalid(`it was signed at ${statement.time}`)
  const certificate = readCertificate(der)
  const { publicKey, serialNumber: serial } = certificate
  const scheme = schemeOf(publicKey)
  if (scheme === undefined) throw invalid("its key is neither Ed25519 nor P-256")
  const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const
  if (!verify(scheme.hash, Buffer.from(body), key, signature)) throw invalid("its signature")
  checkIssued(certificate, world)
  const by = spiffeIdOf(certificate)
  const spki = publicKey.export({ type: "spki", format: "der" })
  const digest = createHash("sha256").update(spki).digest("hex")
  if (world.list.revocationOf({ serial, key: digest }) !== undefined)
    throw invalid(`the certificate of ${by} was revoked`)
  if (!world.list.operator(by, world.nowMs)) throw invalid(`${by} is no operator`)
  return { ...statement, text, by, key: digest }
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch (cause) {
    throw new PosternError("APPROVAL_INVALID", "its certificate cannot be read", { cause })
  }
}

function checkIssued(certificate: X509Certificate, { ca, nowMs }: StatementWorld): void {
  const isGood = (one: X509Certificate): boolean =>
    one.validFromDate.getTime() <= nowMs && nowMs < one.validToDate.getTime()
  const pems = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const authorities = pems.map((pem) => new X509Certificate(pem))
  const issuer = authorities.find(
    (one) => one.ca && certificate.checkIssued(one) && certificate.verify(one.publicKey),
  )
  if (issuer === undefined) throw invalid("its certificate is of another CA")
  if (!isGood(certificate) || !isGood(issuer)) throw invalid("its certificate is not good now")
}

/** One statement for each person: of those with the same SPIFFE ID or the same key, the first. */
export function distinctSigners(all: readonly SignedStatement[]): readonly SignedStatement[] {
  const distinct: SignedStatement[] = []
  for (const one of all) {
    if (!distinct.some(({ by, key }) => by === one.by || key === one.key)) distinct.push(one)
  }
  return distinct
}
