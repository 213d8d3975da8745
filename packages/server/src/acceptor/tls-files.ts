import { hash, X509Certificate } from "node:crypto"
import { isPosternError, PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../access/index.ts"
import { readSecretFile, readTextFile } from "../config/index.ts"
import type { TlsMaterial } from "./api.ts"
import { contextOptions } from "./context.ts"
import { type TlsSide, tryHandshake } from "./self-handshake.ts"

/** Paths, or names of credentials. They may belong to anybody: our own PKI, an agent, a mounted secret. */
export interface TlsPaths {
  readonly key: string
  /** The leaf first; what stands between it and the CA may follow. */
  readonly certificate: string
  /** Every CA that is trusted, at once. */
  readonly ca: string
}

/** What is told of a certificate in force: nothing secret. */
export interface CertificateFacts {
  readonly id: string
  /** SHA-256 of the certificate (DER), lower-case hex. */
  readonly certificate: string
  readonly serial: string
  readonly notBefore: string
  readonly notAfter: string
  /** SHA-256 of each trusted CA's certificate. */
  readonly authorities: readonly string[]
}

export interface TlsFilesWorld {
  readonly side: TlsSide
  /** Puts it in force for new connections. What it throws keeps the old one in force. */
  apply(tls: TlsMaterial): void
  applied(now: CertificateFacts, before: CertificateFacts): void
  /** What is in the files is not in force, and why; told once for each reason. */
  refused(problem: string): void
}

/**
 * The TLS material of a process and the files it comes from. What appears in the files is put in
 * force if a peer would accept it and it names the same SPIFFE ID; otherwise what was in force
 * stays, and `problem` says so until the files are in order again.
 */
export class TlsFiles {
  readonly #paths: TlsPaths
  readonly #world: TlsFilesWorld
  #tls: TlsMaterial
  #facts: CertificateFacts
  #seen = ""
  #good = ""
  #problem: string | undefined
  #judging: Promise<void> = Promise.resolve()

  /** Errors: CONFIG_INVALID. */
  constructor(paths: TlsPaths, world: TlsFilesWorld) {
    this.#paths = paths
    this.#world = world
    this.#tls = readTls(paths)
    this.#facts = certificateFacts(this.#tls, world.side)
  }

  /** In force. */
  get tls(): TlsMaterial {
    return this.#tls
  }

  get facts(): CertificateFacts {
    return this.#facts
  }

  /** Why what is in the files is not in force; undefined if it is. */
  get problem(): string | undefined {
    return this.#problem
  }

  /**
   * Looks whether the files have changed; to be called about once a second. Key and certificate are
   * hardly ever replaced in the same instant: what is judged has looked the same twice.
   */
  async look(): Promise<void> {
    const seen = this.#readMarks()
    const isSettled = seen === this.#seen
    this.#seen = seen
    if (!isSettled) return
    if (seen === this.#good) {
      this.#problem = undefined
      return
    }
    try {
      await this.reload()
      this.#good = seen
    } catch (error) {
      if (!isPosternError(error)) throw error // The reason was told, and is in `problem`.
    }
  }

  /** Judges what the files hold now. Errors: CONFIG_INVALID; then what was in force still is. */
  reload(): Promise<void> {
    const judged = this.#judging.then(() => this.#judge())
    this.#judging = judged.catch(() => undefined) // Whoever asked has it.
    return judged
  }

  async #judge(): Promise<void> {
    const before = this.#facts
    try {
      const tls = readTls(this.#paths)
      if (!isSame(tls, this.#tls)) await this.#replace(tls)
    } catch (error) {
      const refusal = asRefusal(error)
      const isNew = this.#problem !== refusal.message
      this.#problem = refusal.message
      if (isNew) this.#world.refused(refusal.message)
      throw refusal
    }
    this.#problem = undefined
    if (this.#facts !== before) this.#world.applied(this.#facts, before)
  }

  async #replace(tls: TlsMaterial): Promise<void> {
    const { side, apply } = this.#world
    const facts = certificateFacts(tls, side)
    if (facts.id !== this.#facts.id) {
      throw new PosternError("CONFIG_INVALID", `TLS: ${facts.id} instead of ${this.#facts.id}`)
    }
    await tryHandshake(tls, side, facts.id)
    apply(tls) // From here on new connections see it.
    this.#tls = tls
    this.#facts = facts
  }

  /** Equal as long as nothing about the files changes. */
  #readMarks(): string {
    try {
      const { key, certificate, ca } = readTls(this.#paths)
      return hash("sha256", [key, certificate, ca].join("\0"))
    } catch (error) {
      return String(error)
    }
  }
}

/** Errors: CONFIG_INVALID. */
export function readTls({ key, certificate, ca }: TlsPaths): TlsMaterial {
  return { key: readSecretFile(key), certificate: readTextFile(certificate), ca: readTextFile(ca) }
}

/** The files may hold anything: whatever goes wrong with them is their fault, and ends no process. */
function asRefusal(error: unknown): PosternError {
  if (isPosternError(error)) return error
  return new PosternError("CONFIG_INVALID", `TLS: ${String(error)}`, { cause: error })
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.key === b.key && a.certificate === b.certificate && a.ca === b.ca
}

/** Errors: CONFIG_INVALID. */
function certificateFacts(tls: TlsMaterial, side: TlsSide): CertificateFacts {
  const authorities = contextOptions(tls).ca as string[]
  const leaf = new X509Certificate(tls.certificate)
  const digest = (certificate: X509Certificate) => hash("sha256", certificate.raw, "hex")
  return {
    id: idOf(leaf, side),
    certificate: digest(leaf),
    serial: leaf.serialNumber.toLowerCase(),
    notBefore: leaf.validFromDate.toISOString(),
    notAfter: leaf.validToDate.toISOString(),
    authorities: authorities.map((pem) => digest(new X509Certificate(pem))),
  }
}

function idOf(leaf: X509Certificate, side: TlsSide): string {
  try {
    return spiffeIdOf(leaf, side)
  } catch (cause) {
    const detail = isPosternError(cause) ? cause.detail : String(cause)
    throw new PosternError("CONFIG_INVALID", `TLS: the certificate: ${detail}`, { cause })
  }
}
