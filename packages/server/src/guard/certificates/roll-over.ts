import { X509Certificate } from "node:crypto"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { formatProfile, parseProfile } from "@postern/client"
import { assert, isPosternError, PosternError } from "@postern/log/base"
import { parseAuthorityUses } from "../../acceptor/index.ts"
import { parseAccess, spiffeIdOf } from "../../access/index.ts"
import { type Config, dataDirectories, readTextFile } from "../../config/index.ts"
import { createAuthority, fingerprint, splitBundle } from "../pki/index.ts"
import { changeFile, createFile, replaceSecret } from "../setup/index.ts"
import { leavingFile, readIssuing, readLeaving } from "./authorities.ts"
import { listCertificates, profileFiles } from "./held-certificate.ts"

/** A change from one CA to the next, while it is under way. */
export interface RollOver {
  /** SHA-256 of the CA's certificate that is to be dropped. */
  readonly leaving: string
  /** The one that issues. */
  readonly issuing: string | undefined
  /** Why the old one cannot be dropped yet; empty if it can. */
  readonly inUse: readonly { readonly by: string; readonly how: string }[]
}

/**
 * Makes a CA beside the old one. From here on both are trusted, by the service and by the profiles
 * beside postern.yaml, and the new one issues; the old one's key is overwritten. Begun again after
 * an interruption, it goes on.
 * @throws PosternError CONFIG_INVALID without the CA's key · ALREADY_EXISTS if one is under way
 */
export async function beginRollOver(config: Config, now: Date): Promise<RollOver> {
  const { ca, caKey, certificate } = config.pki
  if (caKey === undefined) {
    throw new PosternError("CONFIG_INVALID", `${config.file}: pki.caKey is missing`)
  }
  const old = readIssuing(config)
  if (old === undefined) {
    throw new PosternError("CONFIG_INVALID", `${caKey} is the key of no CA in ${ca}`)
  }
  const leaving = readLeaving(config)
  if (leaving !== undefined && fingerprint(leaving) !== fingerprint(old)) {
    throw new PosternError("ALREADY_EXISTS", "a change of the CA: postern pki roll-ca status")
  }
  const server = spiffeIdOf(new X509Certificate(readTextFile(certificate)), "server")
  const trustDomain = server.split("/")[2] ?? ""
  const next = await createAuthority({ trustDomain, now })
  if (leaving === undefined) createFile(leavingFile(config), old.toString(), 0o644)
  changeFile(ca, () => joinBundle([...splitBundle(readTextFile(ca)), next.certificate]))
  trustInProfiles(config)
  replaceSecret(caKey, next.key) // From here on the old CA issues nothing.
  const state = readRollOver(config, now, 0)
  assert(state !== undefined, "the file of the leaving CA was written above")
  return state
}

/**
 * Where the change stands; undefined if none is under way.
 * @param days how long ago a peer may have come under the old CA and counts as using it
 */
export function readRollOver(config: Config, now: Date, days: number): RollOver | undefined {
  const leaving = readLeaving(config)
  if (leaving === undefined) return undefined
  const old = fingerprint(leaving)
  const next = readIssuing(config)
  const files = listCertificates(config, now)
    .filter(({ holder, authority }) => holder !== "ca" && authority === old)
    .map(({ file }) => ({ by: file, how: "the certificate in the file" }))
  const blind = profileFiles(config)
    .filter((file) => next !== undefined && !trusts(file, next))
    .map((file) => ({ by: file, how: "the profile does not trust the new CA" }))
  return {
    leaving: old,
    issuing: next === undefined ? undefined : fingerprint(next),
    inUse: [...files, ...blind, ...peersOf(config, old, now.getTime() - days * 86_400_000)],
  }
}

/**
 * Drops the old CA: from then on no certificate of it is taken.
 * @throws PosternError USAGE if no change is under way · CA_IN_USE
 */
export function finishRollOver(config: Config, now: Date, days: number): RollOver {
  const state = readRollOver(config, now, days)
  if (state === undefined) throw new PosternError("USAGE", "no change of the CA is under way")
  const [first] = state.inUse
  if (state.issuing === undefined || state.issuing === state.leaving) {
    throw new PosternError("CA_IN_USE", "the change has not begun: postern pki roll-ca begin")
  }
  if (first !== undefined) {
    throw new PosternError("CA_IN_USE", `${first.by}: ${first.how} (${state.inUse.length} in all)`)
  }
  const { ca } = config.pki
  changeFile(ca, () => {
    const kept = splitBundle(readTextFile(ca)).filter(
      (text) => fingerprint(new X509Certificate(text)) !== state.leaving,
    )
    return joinBundle(kept)
  })
  trustInProfiles(config)
  rmSync(leavingFile(config))
  return state
}

/** Those of the access list whose newest connection was under the old CA, since then. */
function peersOf(config: Config, old: string, sinceMs: number): RollOver["inUse"] {
  const { portAuthorities, readerAuthorities } = dataDirectories(config)
  const uses = [portAuthorities, readerAuthorities].flatMap((file) =>
    existsSync(file) ? parseAuthorityUses(readFileSync(file, "utf8")) : [],
  )
  const newest = new Map<string, { oldMs: number; otherMs: number }>()
  for (const { authority, id, atMs } of uses) {
    const { oldMs, otherMs } = newest.get(id) ?? { oldMs: 0, otherMs: 0 }
    if (authority === old) newest.set(id, { oldMs: Math.max(oldMs, atMs), otherMs })
    else newest.set(id, { oldMs, otherMs: Math.max(otherMs, atMs) })
  }
  const { identities } = parseAccess(readTextFile(config.access))
  const known = new Set(identities.map(({ id }) => id))
  return [...newest]
    .filter(([id]) => known.has(id))
    .filter(([, { oldMs, otherMs }]) => oldMs > sinceMs && oldMs >= otherMs)
    .map(([id, { oldMs }]) => ({ by: id, how: `connected ${new Date(oldMs).toISOString()}` }))
}

/** The profiles beside postern.yaml trust what the service trusts. */
function trustInProfiles(config: Config): void {
  const ca = readTextFile(config.pki.ca)
  for (const file of profileFiles(config)) {
    if (readProfile(file) === undefined) continue
    changeFile(file, () => formatProfile({ ...parseProfile(readFileSync(file, "utf8")), ca }))
  }
}

function trusts(file: string, authority: X509Certificate): boolean {
  const profile = readProfile(file)
  if (profile === undefined) return true
  const known = splitBundle(profile.ca).map((text) => fingerprint(new X509Certificate(text)))
  return known.includes(fingerprint(authority))
}

/** Undefined for somebody else's file in the directory. */
function readProfile(file: string) {
  try {
    return parseProfile(readFileSync(file, "utf8"))
  } catch (error) {
    if (isPosternError(error)) return undefined
    throw error
  }
}

function joinBundle(texts: readonly string[]): string {
  return texts.map((text) => `${text.trimEnd()}\n`).join("")
}
