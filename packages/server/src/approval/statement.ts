import { createPrivateKey, type KeyObject, sign, X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"

const digest = /^[0-9a-f]{64}$/
const count = /^(?:0|[1-9]\d{0,5})$/
const many = /^(?:0|[1-9]\d{0,8})$/
const day = /^\d{4}-\d\d-\d\d$/
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const pseudonym = /^p1:[\w-]{22}$/
const spiffeId = /^spiffe:\/\/[a-z0-9._/-]{1,2048}$/i
/** On one line, not blank at either end. */
const words = /^(?! )\P{C}{1,256}(?<! )$/u

/** The fields of each kind, in their order. */
const kinds = {
  "approve-access": { from: digest, to: digest },
  "approve-policy": { from: digest, to: digest },
  "approve-erasure": { subject: pseudonym, list: digest, count: many },
  "review-access": {
    ...{ list: digest, result: digest },
    ...{ certified: count, revoked: count, changed: count, expired: count },
    due: day,
  },
  "open-break-glass": { identity: spiffeId, until: moment, reason: words },
  "review-break-glass": {
    ...{ identity: spiffeId, until: moment },
    ...{ verdict: /^(?:justified|unjustified)$/, note: words },
  },
} as const

export type StatementKind = keyof typeof kinds

/** What is signed. */
export interface Statement {
  readonly kind: StatementKind
  /** Of the log. */
  readonly origin: string
  /** YYYY-MM-DDThh:mm:ssZ. */
  readonly time: string
  readonly fields: Readonly<Record<string, string>>
}

/** As in a profile, PEM. */
export interface Signer {
  readonly certificate: string
  readonly key: string
}

export const statementBytesMax = 16_384
const head = "postern-statement/v1"

/** How a key signs: undefined if it is of a kind that signs no statement. */
export function schemeOf(key: KeyObject): { hash: "sha256" | null } | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === "ed25519") return { hash: null }
  return type === "ec" && details?.namedCurve === "prime256v1" ? { hash: "sha256" } : undefined
}

/** What the signature is over, the certificate included. */
function formatBody({ kind, origin, time, fields }: Statement, certificate: Buffer): string {
  const lines = Object.keys(kinds[kind]).map((name) => `${name} ${fields[name]}`)
  const text = [head, kind, origin, time, ...lines].join("\n")
  return `${text}\n\n${certificate.toString("base64")}\n`
}

/** A statement with certificate and signature. Errors: APPROVAL_INVALID if the key is of a kind that signs none, or a field is not of its form. */
export function signStatement(statement: Statement, signer: Signer): string {
  const key = createPrivateKey(signer.key)
  const scheme = schemeOf(key)
  if (scheme === undefined) throw invalid("the operator's key is neither Ed25519 nor P-256")
  const body = formatBody(statement, new X509Certificate(signer.certificate).raw)
  const signature = sign(scheme.hash, Buffer.from(body), { key, dsaEncoding: "ieee-p1363" })
  const text = `${body}${signature.toString("base64")}\n`
  parseStatement(text)
  return text
}

export interface ParsedStatement extends Statement {
  /** What the signature is over. */
  readonly body: string
  /** DER. */
  readonly certificate: Buffer
  readonly signature: Buffer
}

/** Takes what signStatement() writes and nothing else; nothing is verified yet. Errors: APPROVAL_INVALID. */
export function parseStatement(text: string): ParsedStatement {
  if (text.length > statementBytesMax) throw invalid("it is too long")
  const [version, kindText = "", origin = "", time = "", ...rest] = text.split("\n")
  const kind = (Object.keys(kinds) as StatementKind[]).find((one) => one === kindText)
  if (version !== head || kind === undefined)
    throw invalid("it is no statement of a kind known here")
  const forms = Object.entries<RegExp>(kinds[kind])
  const fields: Record<string, string> = {}
  for (const [at, [name, form]] of forms.entries()) {
    const line = rest[at] ?? ""
    const value = line.slice(name.length + 1)
    if (!line.startsWith(`${name} `) || !form.test(value)) throw invalid(`the field ${name}`)
    fields[name] = value
  }
  const [empty, certificate, signature, end, ...more] = rest.slice(forms.length)
  if (empty !== "" || end !== "" || more.length > 0) throw invalid("its lines")
  if (!isTime(time)) throw invalid("its time")
  const statement = { kind, origin, time, fields }
  const der = decode(certificate)
  return {
    ...statement,
    body: formatBody(statement, der),
    certificate: der,
    signature: decode(signature),
  }
}

function isTime(text: string): boolean {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text.replace("Z", ".000Z")
}

function decode(text = ""): Buffer {
  const bytes = Buffer.from(text, "base64")
  if (bytes.length === 0 || bytes.toString("base64") !== text) throw invalid("its base64")
  return bytes
}

export function invalid(detail: string): PosternError {
  return new PosternError("APPROVAL_INVALID", detail)
}
