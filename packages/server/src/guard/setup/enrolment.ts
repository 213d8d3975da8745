import { X509Certificate } from "node:crypto"
import { existsSync, rmSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { formatProfile, type Profile } from "@postern/client"
import { assert, PosternError } from "@postern/log/base"
import {
  type Adapter,
  addIdentity,
  type IdentityText,
  parseAccess,
  spiffeIdOf,
} from "../../access/index.ts"
import {
  type Config,
  formatHostPort,
  parseHostPort,
  readSecretFile,
  readTextFile,
} from "../../config/index.ts"
import { issueCertificate, verifierKey } from "../pki/index.ts"
import { changeFile, createFile } from "./files.ts"

export interface EnrolOptions {
  readonly config: Config
  /** Last segment of the SPIFFE ID, and part of the profile's file name. */
  readonly name: string
  readonly owner?: string
  /** Last day of the grant, exclusive; as in access.yaml. Default: none. */
  readonly expires?: string
  /** Validity of the certificate, default 365. */
  readonly days?: number
  /** Address for the profile, HOST:PORT; default: the first that the configuration listens on. */
  readonly address?: string
  readonly now: Date
}

export interface EnrolWriterOptions extends EnrolOptions {
  /** Default: postern and http. */
  readonly adapters?: readonly Adapter[]
  /** Default: `app://NAME` and below it. The first one, completed by NAME, is the profile's source. */
  readonly sources?: readonly string[]
  /** Default: every action. */
  readonly actions?: readonly string[]
}

export interface EnrolReaderOptions extends EnrolOptions {
  /** Default: auditor. */
  readonly see?: "monitor" | "investigator" | "auditor"
  /** Of an investigator, in the language of docs/spec/query.md. */
  readonly query?: string
}

export interface Enrolled {
  readonly id: string
  readonly profile: string
  /** Digest of the access list with the new identity. */
  readonly digest: string
}

const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/

/**
 * A new writer in one go: certificate, grant in access.yaml, connection profile
 * `profiles/writer-NAME.yaml`. The access list on disk changes last, as a whole. Errors: USAGE,
 * ALREADY_EXISTS, CONFIG_INVALID, ACCESS_INVALID.
 */
export async function enrolWriter(options: EnrolWriterOptions): Promise<Enrolled> {
  const { config, name } = options
  const sources = options.sources ?? [`app://${name}`, `app://${name}/*`]
  const grant = {
    adapters: [...(options.adapters ?? ["postern", "http"])] as Adapter[],
    sources: [...sources],
    actions: [...(options.actions ?? ["*"])],
  }
  const spool = join(config.data, "state", "writers", name, "spool")
  const more = {
    address: options.address ?? firstAddress(config, "write"),
    source: defaultSource(sources[0] ?? "*", name),
    spool: relative(profilesDirectory(config), spool),
  }
  return enrol(options, "writer", (id) => ({ id, role: "writer", ...about(options), grant }), more)
}

/** As enrolWriter(), for a reader: `profiles/reader-NAME.yaml`. */
export async function enrolReader(options: EnrolReaderOptions): Promise<Enrolled> {
  const { see = "auditor", query } = options
  const grant = query === undefined ? { see } : { see, query }
  const more = { address: options.address ?? firstAddress(options.config, "read") }
  return enrol(options, "reader", (id) => ({ id, role: "reader", ...about(options), grant }), more)
}

export interface EnrolBreakGlassOptions extends EnrolOptions {
  /** Where the sealed credential is written. */
  readonly file: string
  /** What is written in the place of the profile. */
  seal(id: string, profile: string): Promise<string>
}

/** As enrolReader(), for one use in an emergency: the profile is written sealed, and the grant is good for nobody. */
export async function enrolBreakGlass(options: EnrolBreakGlassOptions): Promise<Enrolled> {
  const more = { address: options.address ?? firstAddress(options.config, "read") }
  const grant = { see: "auditor" as const }
  const identity = (id: string): IdentityText => ({
    ...{ id, role: "reader", ...about(options), grant, breakGlass: true },
  })
  return enrol(options, "break-glass", identity, more, options)
}

/** As the port itself reads a grant for a sender that names no source. */
function defaultSource(first: string, name: string): string {
  if (!first.endsWith("*")) return first
  return `${first === "*" ? "app://" : first.slice(0, -1)}${name}`
}

/** Where connection profiles of this installation lie. */
export function profilesDirectory(config: Pick<Config, "file">): string {
  return join(dirname(config.file), "profiles")
}

async function enrol(
  options: EnrolOptions,
  kind: "writer" | "reader" | "break-glass",
  identity: (id: string) => IdentityText,
  more: Pick<Profile, "address" | "source" | "spool">,
  sealed?: Pick<EnrolBreakGlassOptions, "file" | "seal">,
): Promise<Enrolled> {
  const { config, name } = options
  if (!namePattern.test(name)) {
    throw new PosternError(
      "USAGE",
      `the name ${JSON.stringify(name)} is not a-z 0-9 . _ - (1 to 63)`,
    )
  }
  if (parseHostPort(more.address) === undefined) {
    throw new PosternError("USAGE", `${JSON.stringify(more.address)} is not HOST:PORT`)
  }
  const server = serverId(config)
  const id = server.replace(/^(spiffe:\/\/[^/]+)\/.*$/, `$1/${kind}/${name}`)
  const file = sealed?.file ?? join(profilesDirectory(config), `${kind}-${name}.yaml`)
  const role = kind === "writer" ? "writer" : "reader"
  // Looked at before anything is made; looked at again, under the lock, when the list is changed.
  const known = parseAccess(readTextFile(config.access)).identities.some((one) => one.id === id)
  if (known) throw new PosternError("ALREADY_EXISTS", `${id} in ${config.access}`)
  if (existsSync(file)) throw new PosternError("ALREADY_EXISTS", file)
  refuseBadGrant(readTextFile(config.access), identity(id))
  const text = await profileText(options, { role, id, server, ...more })
  createFile(file, (await sealed?.seal(id, text)) ?? text, 0o600)
  let digest = ""
  try {
    changeFile(config.access, () => {
      const amended = addIdentity(readTextFile(config.access), identity(id))
      digest = parseAccess(amended).digest
      return amended
    })
  } catch (error) {
    rmSync(file, { force: true })
    throw error
  }
  return { id, profile: file, digest }
}

/** The list itself is in order: what is refused now was asked for by the caller. Errors: USAGE. */
function refuseBadGrant(text: string, identity: IdentityText): void {
  try {
    addIdentity(text, identity)
  } catch (cause) {
    if (!(cause instanceof PosternError)) throw cause
    const detail = cause.detail?.replace(/^line \d+: identities\[\d+\]\.(?:grant\.)?/, "")
    throw new PosternError("USAGE", detail, { cause })
  }
}

async function profileText(
  options: EnrolOptions,
  who: Pick<Profile, "role" | "id" | "server" | "address" | "source" | "spool">,
): Promise<string> {
  const { config } = options
  const { pki, origin } = config
  if (pki.caKey === undefined) {
    const detail = "pki.caKey is missing, so no certificate can be made here"
    throw new PosternError("CONFIG_INVALID", `${options.config.file}: ${detail}`)
  }
  const ca = readTextFile(pki.ca)
  const pair = await issueCertificate({
    authority: { certificate: ca, key: readSecretFile(pki.caKey) },
    id: who.id,
    usage: "client",
    now: options.now,
    ...(options.days === undefined ? {} : { days: options.days }),
  })
  return formatProfile({ ...who, log: { origin, vkey: logVerifierKey(config) }, ca, ...pair })
}

/** The log's verifier key, as the configuration's own log key, or its signer's, gives it. Errors: CONFIG_INVALID. */
export function logVerifierKey({ origin, pki, signer }: Config): string {
  if (signer !== undefined) return signer.vkey
  assert(pki.logKey !== undefined, "a configuration says where the log key is")
  return verifierKey(origin, readSecretFile(pki.logKey))
}

/**
 * The SPIFFE ID in the server's certificate: its trust domain is the one of every identity here.
 */
function serverId(config: Config): string {
  const file = config.pki.certificate
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(readTextFile(file))
  } catch (cause) {
    if (cause instanceof PosternError) throw cause
    throw new PosternError("CONFIG_INVALID", `${file} is not a certificate in PEM`, { cause })
  }
  return spiffeIdOf(certificate, "server")
}

function firstAddress(config: Config, plane: "write" | "read"): string {
  const first = config.listen[plane][0]
  if (first === undefined || first.port === 0) {
    throw new PosternError("USAGE", `listen.${plane} names no fixed port: say --address HOST:PORT`)
  }
  return formatHostPort(first)
}

function about(options: EnrolOptions): { owner?: string; expires?: string } {
  return {
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    ...(options.expires === undefined ? {} : { expires: options.expires }),
  }
}
