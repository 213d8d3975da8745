import { hash, X509Certificate } from "node:crypto"
import { isPosternError, PosternError } from "@postern/log/base"
import { type AccessList, formatSerial, parseAccess, spiffeIdOf } from "../../access/index.ts"
import { accessFile, type Config, readTextFile } from "../../config/index.ts"
import { ownAuthority } from "../../guard/certificates/index.ts"
import { certifyKey, daysOfLife, issuerOf, type KeyPair } from "../../guard/pki/index.ts"
import type { Handler } from "../../postbox/index.ts"
import {
  type AskedRenewal,
  type CertificateRequest,
  judgeAge,
  parseAskedRenewal,
  parseCertificateRequest,
  RequestPace,
  refuseSameKey,
} from "../../renewal/index.ts"

export interface RenewalWorld {
  /** Milliseconds. */
  now(): number
  tell(level: "info" | "warn" | "error", message: string, more?: object): void
}

/** Which identities a process may ask for: the port for its writers, the reader for its readers. */
const roles = { port: "writer", reader: "reader" } as const

/** Answers what a renewal relay asks. Errors of the answers: those of RenewalRelay. */
export function renewalHandler(config: Config, world: RenewalWorld): Handler {
  const pace = new RequestPace()
  return async (body, asker) => {
    const asked = parseAskedRenewal(body)
    const old = parseOld(asked)
    const id = spiffeIdOf(old)
    const request = parseCertificateRequest(asked.request)
    const access = readAccess(config, world)
    demandStanding(access, { asker, id, old, request }, world.now())
    judgeAge(old, world.now())
    refuseSameKey(request, old)
    const authority = openAuthority(config, world)
    if (issuerOf(old.toString(), authority.certificate) === undefined) {
      const detail = "our CA did not issue the old one: it is renewed where it comes from"
      throw new PosternError("RENEWAL_REFUSED", detail)
    }
    pace.count(id, old, world.now())
    const certificate = await certifyKey(
      { authority, id, usage: "client", now: new Date(world.now()), days: daysOfLife(old) },
      request.spki,
    )
    const serial = formatSerial(new X509Certificate(certificate).serialNumber)
    const previous = formatSerial(old.serialNumber)
    world.tell("info", "a certificate was issued", { id, by: asker, serial, previous })
    return { certificate }
  }
}

function parseOld({ certificate }: AskedRenewal): X509Certificate {
  try {
    return new X509Certificate(certificate)
  } catch (cause) {
    throw new PosternError("RENEWAL_REFUSED", "the old certificate cannot be read", { cause })
  }
}

interface Applicant {
  readonly asker: string
  readonly id: string
  readonly old: X509Certificate
  readonly request: CertificateRequest
}

/** Errors: NOT_GRANTED, CERTIFICATE_REVOKED, RENEWAL_REFUSED. */
function demandStanding(access: AccessList, { asker, id, old, request }: Applicant, now: number) {
  const role = Object.hasOwn(roles, asker) ? roles[asker as keyof typeof roles] : undefined
  const identity = access.identities.find((one) => one.id === id)
  if (identity === undefined || role === undefined || access[role](id, now) === undefined) {
    throw new PosternError("NOT_GRANTED", `${id} at the ${asker}`)
  }
  if ("breakGlass" in identity && identity.breakGlass === true) {
    throw new PosternError("RENEWAL_REFUSED", "access for an emergency is for one use")
  }
  const serial = old.serialNumber
  const keyOf = ({ publicKey }: Pick<CertificateRequest, "publicKey">): string =>
    hash("sha256", publicKey.export({ type: "spki", format: "der" }), "hex")
  // A key that was revoked does not come back under another serial number.
  for (const key of [keyOf(old), keyOf(request)]) {
    if (access.revocationOf({ serial, key }) !== undefined) {
      throw new PosternError("CERTIFICATE_REVOKED", formatSerial(serial))
    }
  }
}

/** What is wrong here is told here: where its files lie is no business of who asks. Errors: UNANSWERED. */
function openAuthority(config: Config, { tell }: RenewalWorld): KeyPair {
  try {
    return ownAuthority(config)
  } catch (error) {
    if (!isPosternError(error)) throw error
    tell("error", "no certificate can be issued", { error: error.message })
    throw new PosternError("UNANSWERED", "no certificate can be issued now")
  }
}

/** Errors: UNANSWERED. */
function readAccess(config: Config, { tell }: RenewalWorld): AccessList {
  try {
    return parseAccess(readTextFile(accessFile(config)))
  } catch (error) {
    if (!isPosternError(error)) throw error
    tell("error", "the access list cannot be read", { error: error.message })
    throw new PosternError("UNANSWERED", "no certificate can be issued now")
  }
}
