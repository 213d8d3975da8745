import { hash, X509Certificate } from "node:crypto"
import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import { type CertificateMarks, formatSerial, spiffeIdOf } from "../access/index.ts"
import type { Asking } from "../postbox/index.ts"
import { formatAskedRenewal, renewalKind } from "./asked.ts"
import { judgeAge, RequestPace } from "./judgement.ts"
import { type CertificateRequest, parseCertificateRequest } from "./request.ts"

/** One connection of somebody who wants another certificate: facts from TLS. The same object for all that is asked on it. */
export interface RenewingPeer {
  readonly id: string
  /** The certificate that it showed, DER. */
  readonly shown?: Uint8Array | undefined
}

/** What becomes an entry (docs/spec/log.md, `postern.certificate.renewed`). */
export interface Renewed {
  readonly id: string
  readonly plane: "write" | "read"
  readonly serial: string
  readonly previous: string
  /** SHA-256 of the new certificate (DER), lower-case hex. */
  readonly certificate: string
  readonly notAfter: string
}

export interface RelayWorld {
  readonly plane: Renewed["plane"]
  readonly asking: Pick<Asking, "ask">
  /** Whether this installation has a CA of its own (pki.caKey). */
  readonly hasAuthority: boolean
  /** The trusted CAs, PEM. */
  authorities(): string
  /** Why this identity is given no certificate: its grant is gone, or the old one is revoked; asked before and after. */
  refusalOf(id: string, old: CertificateMarks): ErrorCode | undefined
  /** Milliseconds. */
  now(): number
  /** A certificate leaves: the entry is to be written. */
  renewed(facts: Renewed): void
  /** What was issued is not acceptable: something is wrong on this side. */
  failed(error: PosternError): void
}

export interface RenewalRelay {
  /**
   * A new certificate (PEM) for the identity of this connection and the key of the request (PKCS#10, DER).
   * @throws PosternError RENEWAL_REFUSED · RENEWAL_EARLY · RATE_LIMITED · CERTIFICATE_REFUSED · what refusalOf() says · UNANSWERED ·
   *   RENEWAL_FAILED · OVERLOADED · DISK_FULL, and what the courier refused with
   */
  renew(peer: RenewingPeer, request: Uint8Array): Promise<string>
}

const answerMs = 15_000
/** By so much the clocks of two processes of one machine may seem to differ, and lives by rounding. */
const slackMs = 600_000

export function openRenewalRelay(world: RelayWorld): RenewalRelay {
  const pace = new RequestPace()
  /** What a connection was given last: who asks again on it has shown that key by its request. */
  const given = new WeakMap<RenewingPeer, X509Certificate>()

  function admit({ id }: RenewingPeer, { serialNumber: serial, publicKey }: X509Certificate): void {
    const key = hash("sha256", publicKey.export({ type: "spki", format: "der" }), "hex")
    const refusal = world.refusalOf(id, { serial, key })
    if (refusal !== undefined) throw new PosternError(refusal)
  }

  return {
    async renew(peer, der) {
      const old = given.get(peer) ?? (peer.shown && new X509Certificate(peer.shown))
      if (old === undefined) throw new PosternError("RENEWAL_REFUSED", "no certificate was shown")
      admit(peer, old)
      if (!world.hasAuthority)
        throw new PosternError("RENEWAL_REFUSED", "this installation has no CA")
      pace.count(peer.id, old, world.now())
      judgeAge(old, world.now())
      const request = parseCertificateRequest(der)
      refuseSameKey(request, old)
      const body = formatAskedRenewal({ request: der, certificate: old.raw })
      const answer = await world.asking.ask(renewalKind, body, answerMs)
      const made = judged(answer, { peer, request, old, world })
      admit(peer, old)
      given.set(peer, made)
      world.renewed({
        ...{ id: peer.id, plane: world.plane },
        serial: formatSerial(made.serialNumber),
        previous: formatSerial(old.serialNumber),
        certificate: hash("sha256", made.raw, "hex"),
        notAfter: made.validToDate.toISOString(),
      })
      return made.toString()
    },
  }
}

/** Errors: RENEWAL_REFUSED. */
export function refuseSameKey({ publicKey }: CertificateRequest, old: X509Certificate): void {
  if (!publicKey.equals(old.publicKey)) return
  throw new PosternError("RENEWAL_REFUSED", "its key is the one of the old certificate")
}

interface Expected {
  readonly peer: RenewingPeer
  readonly request: CertificateRequest
  readonly old: X509Certificate
  readonly world: RelayWorld
}

/** What another process says is a certificate, looked at as a stranger's. Errors: RENEWAL_FAILED, which is told. */
function judged(answer: unknown, expected: Expected): X509Certificate {
  try {
    const { certificate } = (answer ?? {}) as { certificate?: unknown }
    if (typeof certificate !== "string") throw new Error("it holds no certificate")
    const made = new X509Certificate(certificate)
    const fault = faultOf(made, expected)
    if (fault !== undefined) throw new Error(fault)
    return made
  } catch (cause) {
    const fault = isPosternError(cause) ? (cause.detail ?? cause.message) : String(cause)
    const error = new PosternError("RENEWAL_FAILED", fault.slice(0, 200), { cause })
    expected.world.failed(error)
    throw error
  }
}

function faultOf(made: X509Certificate, expected: Expected): string | undefined {
  const { peer, request, old, world } = expected
  const now = world.now()
  const lifeOf = ({ validFromDate, validToDate }: X509Certificate): number =>
    validToDate.getTime() - validFromDate.getTime()
  if (spiffeIdOf(made) !== peer.id) return "it is of another identity"
  if (!made.publicKey.equals(request.publicKey)) return "it is of another key"
  if (!isIssuedBy(world.authorities(), made)) return "no CA of pki.ca issued it"
  if (made.validFromDate.getTime() > now + slackMs) return "it is not valid yet"
  if (made.validToDate.getTime() <= now) return "it has expired"
  if (lifeOf(made) > lifeOf(old) + slackMs) return "it lives longer than the one before"
  return undefined
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

function isIssuedBy(authorities: string, made: X509Certificate): boolean {
  return (authorities.match(pemCertificate) ?? []).some((text) => {
    const ca = new X509Certificate(text)
    return made.checkIssued(ca) && made.verify(ca.publicKey)
  })
}
