import { X509Certificate } from "node:crypto"
import { existsSync } from "node:fs"
import { isIP } from "node:net"
import { dirname, join, resolve } from "node:path"
import type { Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { type Config, type HostPort, parseHostPort, readTextFile } from "../config/index.ts"
import type { Place, Recipe } from "../guard/connect/index.ts"
import { createFile, makeDirectoryBelow } from "../guard/setup/index.ts"
import type { ConnectIdentity } from "./connect-identity.ts"

export const pemFiles = { ca: "ca.pem", certificate: "writer.pem", key: "writer.key" } as const

/** By habit, where the plane is not configured (docs/reference/write-syslog.md). */
const syslogPort = 6514
/** What every dialect of the recipes takes as it is. */
const plainPath = /^[\p{L}\p{N}._/@+,=-]+$/u

/** Where the PEM files of a source lie, and with `--apply` its configuration. */
export function directoryOf(config: Config, name: string): string {
  return join(dirname(config.file), "connect", name)
}

/** Makes the directory of a source, as the service's own are. */
export function makeDirectoryOf(config: Config, name: string): string {
  const directory = directoryOf(config, name)
  makeDirectoryBelow(dirname(directory), 0o700)
  makeDirectoryBelow(directory, 0o700)
  return directory
}

/** Certificate, key and CA of a profile as files of their own; those that are there stay as they are. */
export function writePems(directory: string, profile: Profile): void {
  const write = (name: string, text: string, mode: number) => {
    const file = join(directory, name)
    if (!existsSync(file)) createFile(file, text, mode)
  }
  write(pemFiles.ca, profile.ca, 0o644)
  write(pemFiles.certificate, profile.certificate, 0o644)
  write(pemFiles.key, profile.key, 0o600)
}

export interface PlaceFlags {
  /** HOST or HOST:PORT by which the source reaches the port. */
  readonly address?: string
  /** Where the files will lie on the source's machine. */
  readonly directory?: string
}

/** Errors: USAGE for an address or a path that no configuration could name. */
export function placeOf(
  config: Config,
  recipe: Recipe,
  name: string,
  { profileFile, profile }: ConnectIdentity,
  flags: PlaceFlags,
): Place {
  const here = recipe.needs === "pem" ? directoryOf(config, name) : dirname(profileFile)
  const directory = flags.directory === undefined ? here : resolve(flags.directory)
  if (!plainPath.test(directory)) {
    const detail = `${directory} has letters that configuration files read in different ways: say --directory`
    throw new PosternError("USAGE", detail)
  }
  const profilePath =
    flags.directory === undefined ? profileFile : join(directory, `writer-${name}.yaml`)
  const write = addressOf(flags.address, config.listen.write, !recipe.usesSyslog)
  const syslog = addressOf(flags.address, config.listen.syslog ?? [], recipe.usesSyslog === true)
  return {
    name,
    id: profile.id,
    directory,
    ca: join(directory, pemFiles.ca),
    certificate: join(directory, pemFiles.certificate),
    key: join(directory, pemFiles.key),
    profile: profilePath,
    write,
    syslog,
    serverName: serverNameFor(config, syslog.host),
    source: profile.source ?? `${recipe.scheme}://${name}`,
  }
}

/** @param isMeant whether the port that was said with the host is this plane's */
function addressOf(
  said: string | undefined,
  listened: readonly HostPort[],
  isMeant: boolean,
): HostPort {
  const first = listened[0] ?? { host: "127.0.0.1", port: syslogPort }
  if (said === undefined) return first
  const whole = parseHostPort(said)
  if (whole !== undefined) return isMeant ? whole : { host: whole.host, port: first.port }
  const alone = parseHostPort(`${isIP(said) === 6 ? `[${said}]` : said}:${first.port}`)
  if (alone === undefined) throw new PosternError("USAGE", `"${said}" is not HOST or HOST:PORT`)
  return alone
}

/** The address for a profile: HOST:PORT of the write plane, if one was said. */
export function profileAddress(
  config: Config,
  recipe: Recipe,
  said: string | undefined,
): HostPort | undefined {
  return said === undefined ? undefined : addressOf(said, config.listen.write, !recipe.usesSyslog)
}

/** Whether senders that check the name of the server find this one in its certificate. */
export function isNamed(config: Config, host: string): boolean {
  const certificate = serverCertificate(config)
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
}

/** The name itself, or for an address the first name of the certificate; every one that `init` makes has one. */
function serverNameFor(config: Config, host: string): string {
  if (isIP(host) === 0) return host
  const { subjectAltName = "" } = serverCertificate(config)
  return /(?:^|, )DNS:([A-Za-z0-9.-]+)/.exec(subjectAltName)?.[1] ?? host
}

function serverCertificate(config: Config): X509Certificate {
  return new X509Certificate(readTextFile(config.pki.certificate))
}
