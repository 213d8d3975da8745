import { hash, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { formatProfile, parseProfile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { type AccessList, parseAccess, spiffeIdOf } from "../../access/index.ts"
import { type Config, readTextFile } from "../../config/index.ts"
import { type KeyPair, renewCertificate } from "../pki/index.ts"
import { changeFile } from "../setup/index.ts"
import { isLeaving, ownAuthority } from "./authorities.ts"
import { type HeldCertificate, listCertificates } from "./held-certificate.ts"
import { type PairFiles, readPair, replacePair, settlePair } from "./pair-files.ts"

export interface Renewed {
  readonly file: string
  readonly id: string
  readonly serial: string
  readonly notAfter: string
}

/** What became of the certificates that were due. */
export interface RenewalPlan {
  readonly renewed: readonly Renewed[]
  /** Left as they are, and why. */
  readonly left: readonly { readonly file: string; readonly reason: string }[]
}

/**
 * Gives one certificate file, with its key beside it, or one profile a new key and certificate.
 * What the old key does not prove, or the access list does not name, is refused.
 * @throws PosternError CERTIFICATE_REFUSED · NOT_GRANTED · CONFIG_INVALID · ALREADY_EXISTS
 */
export async function renewFile(config: Config, file: string, now: Date): Promise<Renewed> {
  if (file.startsWith("credential:"))
    throw refused(`${file} is kept by the service manager: renew it there`)
  const files = pairOf(config, file)
  if (files === undefined) return renewProfile(config, file, now)
  settlePair(files)
  const old = readPair(files)
  const made = await renewPair(config, old, now)
  replacePair(files, made)
  return describe(file, made)
}

/**
 * Renews what our CA issued and is meant. During a change of the CA the server's
 * certificate waits to be renewed by name: only somebody who knows the writers elsewhere can say
 * that they trust the new CA.
 * @throws PosternError CONFIG_INVALID without the CA's key
 */
export async function renewDue(
  config: Config,
  now: Date,
  isMeant: (held: HeldCertificate) => boolean,
): Promise<RenewalPlan> {
  ownAuthority(config)
  const renewed: Renewed[] = []
  const left: { file: string; reason: string }[] = []
  for (const held of listCertificates(config, now)) {
    if (held.holder === "ca" || !held.isOurs || !isMeant(held)) continue
    const { file } = held
    if (held.holder === "server" && isLeaving(config, held.authority)) {
      const reason = "the CA is being changed: renew it by name, once all profiles hold both CAs"
      left.push({ file, reason })
      continue
    }
    try {
      renewed.push(await renewFile(config, file, now))
    } catch (error) {
      if (!isPosternError(error)) throw error
      left.push({ file, reason: error.detail ?? error.message })
    }
  }
  return { renewed, left }
}

/** The certificate file and its key; undefined for a profile, which holds both. */
function pairOf({ pki }: Config, file: string): PairFiles | undefined {
  const configured = [pki, pki.reader, ...(pki.courier === undefined ? [] : [pki.courier])]
  const known = configured.find(({ certificate }) => certificate === file)
  if (known !== undefined) return { certificate: file, key: known.key }
  if (/\.ya?ml$/.test(file)) return undefined
  return { certificate: file, key: file.replace(/(?:\.[a-z]+)?$/, ".key") }
}

async function renewProfile(config: Config, file: string, now: Date): Promise<Renewed> {
  const made = await renewPair(config, parseProfile(readFileSync(file, "utf8")), now)
  const ca = readTextFile(config.pki.ca)
  changeFile(file, () =>
    formatProfile({ ...parseProfile(readFileSync(file, "utf8")), ca, ...made }),
  )
  return describe(file, made)
}

async function renewPair(config: Config, old: KeyPair, now: Date): Promise<KeyPair> {
  const made = await renewCertificate({ authority: ownAuthority(config), old, now })
  const shown = new X509Certificate(old.certificate)
  const access = parseAccess(readTextFile(config.access))
  demandGranted(config, access, shown, now)
  return made
}

/** Whoever was taken off the list, or whose certificate was revoked, gets no other one. */
function demandGranted(
  config: Config,
  access: AccessList,
  shown: X509Certificate,
  now: Date,
): void {
  const key = hash("sha256", shown.publicKey.export({ type: "spki", format: "der" }), "hex")
  if (access.revocationOf({ serial: shown.serialNumber, key }) !== undefined) {
    throw new PosternError("CERTIFICATE_REVOKED", shown.serialNumber.toLowerCase())
  }
  const server = spiffeIdOf(new X509Certificate(readTextFile(config.pki.certificate)), "server")
  const id = spiffeIdOf(shown, (shown.keyUsage ?? []).includes(serverUsage) ? "server" : "client")
  if (id !== server) demandIdentity(access, id, now)
}

const serverUsage = "1.3.6.1.5.5.7.3.1"

/** Errors: NOT_GRANTED. */
export function demandIdentity(access: AccessList, id: string, now: Date): void {
  const identity = access.identities.find((one) => one.id === id)
  if (identity === undefined) throw new PosternError("NOT_GRANTED", `no access list names ${id}`)
  if (identity.expires !== undefined && identity.expires <= now.getTime()) {
    throw new PosternError("NOT_GRANTED", `the grant of ${id} has expired`)
  }
}

function describe(file: string, { certificate }: KeyPair): Renewed {
  const { serialNumber, validToDate, subjectAltName = "" } = new X509Certificate(certificate)
  const id = subjectAltName.split(", ").find((name) => name.startsWith("URI:")) ?? ""
  return {
    ...{ file, id: id.slice("URI:".length), serial: serialNumber.toLowerCase() },
    notAfter: validToDate.toISOString(),
  }
}

function refused(detail: string): PosternError {
  return new PosternError("CERTIFICATE_REFUSED", detail)
}
