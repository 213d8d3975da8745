import { X509Certificate } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../../access/index.ts"
import { type Config, readTextFile } from "../../config/index.ts"
import { fingerprint, issuerOf, splitBundle } from "../pki/index.ts"
import { profilesDirectory } from "../setup/index.ts"
import { ownAuthorities } from "./authorities.ts"

/** Whose certificate it is. */
export type Holder = "ca" | "server" | "reader process" | "courier process" | "profile"

/** One certificate in a file of the installation. */
export interface HeldCertificate {
  readonly file: string
  readonly holder: Holder
  /** SPIFFE ID; of a CA, its name. */
  readonly id: string
  readonly serial: string
  readonly notBefore: string
  readonly notAfter: string
  /** Share of its life that is over: 0 when it began, 1 when it has expired. */
  readonly lifeUsed: number
  /** SHA-256 of the certificate (DER), lower-case hex. */
  readonly certificate: string
  /** The same of the trusted CA that issued it; undefined if none of them did. */
  readonly authority: string | undefined
  /** Issued by the CA whose key is here, or by the one it replaces: renewed here. */
  readonly isOurs: boolean
  readonly state: "ok" | "due" | "warn" | "fail"
  /** Why it fails; undefined otherwise. */
  readonly problem: string | undefined
}

/** From here on a certificate is renewed. */
export const dueAt = 0.5
/** From here on somebody should know that it was not. */
const warnAt = 0.8

/**
 * Every certificate that the installation holds: CAs, processes, profiles. What cannot be read is
 * in the list, with the reason. Errors: CONFIG_INVALID if the CAs cannot be read.
 */
export function listCertificates(config: Config, now: Date): HeldCertificate[] {
  const { pki } = config
  const bundle = readTextFile(pki.ca)
  const own = ownAuthorities(config)
  const read = (holder: Holder, file: string, text: () => string) =>
    readHeld({ holder, file, text, bundle, own, now })
  const { courier } = pki
  return [
    ...splitBundle(bundle).map((text) => read("ca", pki.ca, () => text)),
    read("server", pki.certificate, () => readTextFile(pki.certificate)),
    read("reader process", pki.reader.certificate, () => readTextFile(pki.reader.certificate)),
    ...(courier === undefined
      ? []
      : [read("courier process", courier.certificate, () => readTextFile(courier.certificate))]),
    ...profileFiles(config).map((file) =>
      read("profile", file, () => parseProfile(readFileSync(file, "utf8")).certificate),
    ),
  ]
}

/** The profiles beside postern.yaml; another program's file among them is none. */
export function profileFiles(config: Pick<Config, "file">): string[] {
  const directory = profilesDirectory(config)
  if (!existsSync(directory)) return []
  const names = readdirSync(directory).filter((name) => /\.ya?ml$/.test(name))
  return names.sort().map((name) => join(directory, name))
}

interface Source {
  readonly holder: Holder
  readonly file: string
  readonly text: () => string
  readonly bundle: string
  readonly own: readonly string[]
  readonly now: Date
}

function readHeld({ holder, file, text, bundle, own, now }: Source): HeldCertificate {
  try {
    const chain = text()
    const parsed = parse(chain)
    const { validFromDate: from, validToDate: to } = parsed
    const issuer = holder === "ca" ? parsed : issuerOf(chain, bundle)
    const lifeUsed = (now.getTime() - from.getTime()) / Math.max(1, to.getTime() - from.getTime())
    const authority = issuer === undefined ? undefined : fingerprint(issuer)
    const problem = faultOf(from, to, now, issuer)
    return {
      ...{ file, holder, lifeUsed, problem },
      id: nameOf(parsed, holder),
      serial: parsed.serialNumber.toLowerCase(),
      notBefore: from.toISOString(),
      notAfter: to.toISOString(),
      certificate: fingerprint(parsed),
      authority,
      isOurs: own.includes(authority ?? ""),
      state: problem === undefined ? stateOf(lifeUsed, holder) : "fail",
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    const unknown = { lifeUsed: 0, authority: undefined, isOurs: false, state: "fail" } as const
    const nothing = { id: "", serial: "", notBefore: "", notAfter: "", certificate: "" }
    return { file, holder, ...nothing, ...unknown, problem }
  }
}

function parse(text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch (cause) {
    throw new PosternError("CERTIFICATE_REFUSED", "it is not a certificate in PEM", { cause })
  }
}

function faultOf(
  from: Date,
  to: Date,
  now: Date,
  issuer: X509Certificate | undefined,
): string | undefined {
  if (now >= to) return "it has expired"
  if (now < from) return "it is not valid yet"
  return issuer === undefined ? "no CA of the installation issued it" : undefined
}

/** A CA is rolled over by somebody who decides so, not renewed. */
function stateOf(lifeUsed: number, holder: Holder): "ok" | "due" | "warn" {
  if (lifeUsed >= warnAt) return "warn"
  return lifeUsed >= dueAt && holder !== "ca" ? "due" : "ok"
}

function nameOf(certificate: X509Certificate, holder: Holder): string {
  if (holder === "ca") return certificate.subject.replace(/^CN=/, "")
  try {
    return spiffeIdOf(certificate, holder === "server" ? "server" : "client")
  } catch (error) {
    if (isPosternError(error)) return "" // Whoever uses it is told; here it is listed all the same.
    throw error
  }
}
