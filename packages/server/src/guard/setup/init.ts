import { existsSync, mkdirSync, rmSync } from "node:fs"
import { isIP } from "node:net"
import { join, relative, resolve } from "node:path"
import { formatProfile, type Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { formatAccessSchema, parseAccess } from "../../access/index.ts"
import { formatAlertsSchema, parseAlerts, startingAlerts } from "../../alerts/index.ts"
import {
  type Config,
  dataDirectories,
  formatHostPort,
  isHostName,
  originPattern,
  parseConfig,
} from "../../config/index.ts"
import { formatPolicySchema, parsePolicy, startingPolicy } from "../../policy/rules/index.ts"
import { createAuthority, createLogKeys, issueCertificate, verifierKey } from "../pki/index.ts"
import { casesFile, parseCases, startingCases } from "../policy/index.ts"
import { createFile, syncDirectory } from "./files.ts"
import { accessText, configText } from "./texts.ts"

export interface InitOptions {
  readonly directory: string
  /**
   * Name of the log, default postern.local/audit; up to its first `/` it is the SPIFFE trust domain
   * too.
   */
  readonly origin?: string
  /**
   * Names and addresses by which writers and readers reach this machine: all stand in the server's
   * certificate, addresses are listened on, the first stands in the profiles. Default: loopback
   * only.
   */
  readonly hosts?: readonly string[]
  /** Defaults 17514, 17515, 17516; 0 = any free port, for tests. */
  readonly ports?: { readonly write?: number; readonly read?: number; readonly ops?: number }
  /** Beginning of the certificates' validity; default: now. */
  readonly now?: Date
}

/** What init made; all paths absolute. */
export interface Installation {
  readonly directory: string
  readonly config: Config
  readonly trustDomain: string
  /** The log's verifier key. */
  readonly vkey: string
  readonly profiles: { readonly writer: string; readonly reader: string; readonly operator: string }
  /** Files, relative to the directory, in the order of their making. */
  readonly files: readonly string[]
}

const secretMode = 0o600
const openMode = 0o644
const loopback = "127.0.0.1"

/**
 * Makes a directory from which `postern serve` starts: configuration, access list, CA,
 * certificates, signing keys, three connection profiles. Keys and profiles 0600, directories 0700.
 * What it would write is made first; then, if something fails, what was written is taken back.
 * Errors: USAGE, ALREADY_EXISTS (nothing is ever overwritten).
 */
export async function initDirectory(options: InitOptions): Promise<Installation> {
  const directory = resolve(options.directory)
  const origin = options.origin ?? "postern.local/audit"
  if (!originPattern.test(origin)) {
    throw new PosternError(
      "USAGE",
      `origin ${JSON.stringify(origin)} is not a name such as postern.example/audit`,
    )
  }
  for (const name of [
    "postern.yaml",
    "access.yaml",
    "access.schema.json",
    "alerts.yaml",
    "alerts.schema.json",
    "policy.yaml",
    "policy.schema.json",
    casesFile,
    "pki",
    "profiles",
    "data",
  ]) {
    const path = join(directory, name)
    if (existsSync(path)) throw new PosternError("ALREADY_EXISTS", path)
  }
  const plan = await planFiles(directory, origin, options)
  writeAll(directory, plan.files)
  const profile = (name: string) => join(directory, "profiles", `${name}.yaml`)
  return {
    directory,
    config: plan.config,
    trustDomain: plan.trustDomain,
    vkey: plan.vkey,
    profiles: {
      writer: profile("writer"),
      reader: profile("reader"),
      operator: profile("operator"),
    },
    files: plan.files.map((file) => file.path),
  }
}

interface PlannedFile {
  readonly path: string
  readonly text: string
  readonly mode: number
}

async function planFiles(directory: string, origin: string, options: InitOptions) {
  const now = options.now ?? new Date()
  const trustDomain = origin.split("/")[0] ?? ""
  const id = (path: string) => `spiffe://${trustDomain}/${path}`
  const authority = await createAuthority({ trustDomain, now })
  const keys = createLogKeys()
  const names = serverNames(options.hosts ?? [])
  const issue = (path: string, usage: "client" | "server") =>
    issueCertificate({ authority, id: id(path), usage, now, ...(usage === "server" ? names : {}) })
  const server = await issue("server", "server")
  const readerProcess = await issue("postern/reader", "client")
  const courierProcess = await issue("postern/courier", "client")
  const text = configText(origin, listenOf(options))
  const access = accessText(trustDomain)
  parseAccess(access)
  parseAlerts(startingAlerts())
  parsePolicy(startingPolicy())
  parseCases(startingCases(trustDomain))
  const config = parseConfig(text, join(directory, "postern.yaml"))
  const vkey = verifierKey(origin, keys.logKey)
  const common = { server: id("server"), log: { origin, vkey }, ca: authority.certificate }
  const profiles = await planProfiles(config, options.hosts?.[0], common, issue)
  const open = (path: string, content: string) => ({ path, text: content, mode: openMode })
  const secret = (path: string, content: string) => ({ path, text: content, mode: secretMode })
  const files: PlannedFile[] = [
    open("pki/ca.crt", authority.certificate),
    secret("pki/ca.key", authority.key),
    open("pki/server.crt", server.certificate),
    secret("pki/server.key", server.key),
    open("pki/reader-process.crt", readerProcess.certificate),
    secret("pki/reader-process.key", readerProcess.key),
    open("pki/courier-process.crt", courierProcess.certificate),
    secret("pki/courier-process.key", courierProcess.key),
    secret("pki/log.key", keys.logKey),
    secret("pki/receipt.key", keys.receiptKey),
    ...profiles.map(([name, profile]) => secret(`profiles/${name}.yaml`, formatProfile(profile))),
    open("access.yaml", access),
    open("access.schema.json", formatAccessSchema()),
    open("alerts.yaml", startingAlerts()),
    open("alerts.schema.json", formatAlertsSchema()),
    open("policy.yaml", startingPolicy()),
    open("policy.schema.json", formatPolicySchema()),
    open(casesFile, startingCases(trustDomain)),
    open("postern.yaml", text),
  ]
  return { files, config, trustDomain, vkey }
}

async function planProfiles(
  config: Config,
  host: string | undefined,
  common: Pick<Profile, "server" | "log" | "ca">,
  issue: (path: string, usage: "client") => Promise<{ certificate: string; key: string }>,
): Promise<[string, Profile][]> {
  const id = (path: string) => common.server.replace(/server$/, path)
  const address = (plane: "write" | "read") => {
    const first = config.listen[plane][0]
    return formatHostPort({ host: host ?? loopback, port: first?.port ?? 0 })
  }
  const profilesDirectory = join(config.file, "..", "profiles")
  const within = (path: string) => relative(profilesDirectory, path)
  const paths = { writer: "writer/app", reader: "reader/auditor", operator: "operator/admin" }
  const make = async (
    role: keyof typeof paths,
    more: Pick<Profile, "address" | "source" | "spool">,
  ) => {
    const pair = await issue(paths[role], "client")
    const profile: Profile = { ...common, role, id: id(paths[role]), ...more, ...pair }
    return [role, profile] as [string, Profile]
  }
  const spool = within(join(config.data, "state", "writers", "app", "spool"))
  return [
    await make("writer", { address: address("write"), source: "app://app", spool }),
    await make("reader", { address: address("read") }),
    await make("operator", { address: within(dataDirectories(config).adminSocket) }),
  ]
}

function listenOf(options: InitOptions): Config["listen"] {
  const ports = { write: 17514, read: 17515, ops: 17516, ...options.ports }
  const addresses = (options.hosts ?? []).filter((host) => isIP(host) !== 0)
  const hosts = [...new Set([...addresses, loopback])]
  const at = (port: number) => hosts.map((host) => ({ host, port }))
  return {
    write: at(ports.write),
    read: at(ports.read),
    ops: [{ host: loopback, port: ports.ops }],
  }
}

function serverNames(hosts: readonly string[]) {
  for (const host of hosts) {
    if (isIP(host) === 0 && !isHostName(host)) {
      throw new PosternError(
        "USAGE",
        `${JSON.stringify(host)} is neither a host name nor an address`,
      )
    }
    if (/^(?:0\.0\.0\.0|[0:]+)$/.test(host)) {
      throw new PosternError(
        "USAGE",
        `${host} stands for every address: name the ones that are meant`,
      )
    }
  }
  const dnsNames = [...new Set(["localhost", ...hosts.filter((host) => isIP(host) === 0)])]
  const ipAddresses = [...new Set([loopback, "::1", ...hosts.filter((host) => isIP(host) !== 0)])]
  return { dnsNames, ipAddresses }
}

/**
 * postern.yaml comes last: while it is not there, nothing can be started from a half-made
 * directory.
 */
function writeAll(directory: string, files: readonly PlannedFile[]): void {
  const made: string[] = []
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (first !== undefined) made.push(first)
  try {
    for (const name of ["pki", "profiles", "data"]) {
      mkdirSync(join(directory, name), { mode: 0o700 })
      made.push(join(directory, name))
    }
    for (const file of files) {
      const path = join(directory, file.path)
      createFile(path, file.text, file.mode)
      made.push(path)
    }
    for (const name of ["pki", "profiles", "."]) syncDirectory(join(directory, name))
  } catch (error) {
    for (const path of made.reverse()) rmSync(path, { recursive: true, force: true })
    throw error
  }
}
