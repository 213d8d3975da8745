import { dirname, join, resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import { formatHostPort, type HostPort, readDocument, scopeOf } from "../../config/index.ts"
import { formats } from "../../formats/index.ts"
import { agentForm, type SourceForm, type SpoolForm } from "./form.ts"

/** What an agent does, as agent.yaml says it. All paths are absolute. */
export interface AgentSettings {
  /** The file it was read from. */
  readonly file: string
  /** Connection profile of a writer. */
  readonly profile: string
  /** Directory of the spools, positions and the status socket. */
  readonly state: string
  readonly sources: readonly SourceSettings[]
}

export interface SourceSettings {
  readonly name: string
  readonly intake: Intake
  /** Of its own in the state directory. */
  readonly directory: string
  /** Undefined: recognised by the records. */
  readonly format: string | undefined
  /** A mapping file that makes the format; the caller reads it. */
  readonly mapping: string | undefined
  /** `source` of the events that do not say theirs; undefined: the profile's. */
  readonly source: string | undefined
  readonly spool: SpoolSize
}

export interface SpoolSize {
  readonly bytesMax: number
  /** `wait`: what came first is kept, and sources wait or drop what is new; `dropOldest`: the oldest go. */
  readonly whenFull: "wait" | "dropOldest"
}

export interface FileIntake {
  readonly kind: "file"
  /** A path, or a pattern with `*`, `?`, `[…]`, `{…}` or `**`. */
  readonly pattern: string
  /** Where files begin that are there at the very first start. */
  readonly start: "beginning" | "end"
}

/** How records come to the agent. */
export type Intake =
  | FileIntake
  | { readonly kind: "stdin" }
  | { readonly kind: "socket"; readonly path: string; readonly framing: "lines" | "octets" }
  | {
      readonly kind: "syslog"
      readonly tcp: HostPort | undefined
      readonly udp: HostPort | undefined
    }
  | {
      readonly kind: "http"
      readonly address: HostPort
      readonly tls: { readonly certificate: string; readonly key: string } | undefined
    }
  | { readonly kind: "forward"; readonly address: HostPort }

const textMax = 262_144
const spoolBytesDefault = 256 * 1024 * 1024
const waysIn = ["file", "stdin", "socket", "syslog", "http", "forward"] as const
/** What each of them reads by itself, so that no format is to be named. */
const ownFormats: Partial<Record<(typeof waysIn)[number], string>> = {
  syslog: "syslog",
  forward: "records",
}

/** Of what parseHostPort() gives, an address and no name. */
const numeric = /^[0-9.]+$|:/

type At = (where: readonly PropertyKey[], message: string) => PosternError

/**
 * Text of agent.yaml; relative paths are taken from the directory of `file`. Pure.
 * Errors: CONFIG_INVALID, `FILE line N: field: what is wrong`.
 */
export function parseAgentSettings(text: string, file: string): AgentSettings {
  const where = resolve(file)
  const kind = { code: "CONFIG_INVALID", textMax, where } as const
  const { value, lineOf } = readDocument(text, agentForm, kind)
  const at: At = (path, message) =>
    new PosternError("CONFIG_INVALID", `${where} line ${lineOf(path)}: ${message}`)
  const from = (path: string): string => resolve(dirname(where), path)
  const state = from(value.state)
  const sources = value.sources.map((source, index): SourceSettings => {
    const place = ["sources", index]
    if (value.sources.findIndex(({ name }) => name === source.name) < index) {
      throw at([...place, "name"], `sources[${index}].name: ${source.name} is named twice`)
    }
    return {
      name: source.name,
      intake: intakeOf(source, from, (path, message) => at([...place, ...path], message)),
      directory: join(state, source.name),
      ...formatOf(source, from, (path, message) => at([...place, ...path], message)),
      source: source.source,
      spool: spoolOf(source.spool, value.spool),
    }
  })
  refuseSharedPlaces(sources, at)
  return { file: where, profile: from(value.profile), state, sources }
}

function spoolOf(own: SpoolForm = {}, all: SpoolForm = {}): SpoolSize {
  return {
    bytesMax: own.bytesMax ?? all.bytesMax ?? spoolBytesDefault,
    whenFull: own.whenFull ?? all.whenFull ?? "wait",
  }
}

function formatOf(
  source: SourceForm,
  from: (path: string) => string,
  at: At,
): Pick<SourceSettings, "format" | "mapping"> {
  const { format, mapping } = source
  if (format !== undefined && mapping !== undefined) {
    throw at(["mapping"], "mapping: it makes a format of its own, beside which none is named")
  }
  if (format !== undefined && !formats.has(format)) {
    throw at(["format"], `format: must be one of ${[...formats.keys()].join(", ")}`)
  }
  if (source.http !== undefined && (format ?? mapping) !== undefined) {
    throw at(["http"], "http: the path says what a body is, so no format is named")
  }
  const way = waysIn.find((name) => source[name] !== undefined)
  const own = mapping === undefined && way !== undefined ? ownFormats[way] : undefined
  return { format: format ?? own, mapping: mapping === undefined ? undefined : from(mapping) }
}

function intakeOf(source: SourceForm, from: (path: string) => string, at: At): Intake {
  const ways = waysIn.filter((name) => source[name] !== undefined)
  if (ways.length !== 1) {
    throw at([], `${source.name}: must have exactly one of ${waysIn.join(", ")}`)
  }
  const { file, start, socket, syslog, http, forward } = source
  if (start !== undefined && file === undefined) throw at(["start"], "start: is for file only")
  if (file !== undefined) {
    return { kind: "file", pattern: from(file), start: start ?? "beginning" }
  }
  if (socket !== undefined) {
    return { kind: "socket", path: from(socket.path), framing: socket.framing ?? "lines" }
  }
  if (syslog !== undefined) {
    const { tcp, udp } = syslog
    if ((tcp ?? udp) === undefined) throw at(["syslog"], "syslog: must name tcp, udp or both")
    for (const name of ["tcp", "udp"] as const) {
      demandLoopback(syslog[name], at, ["syslog", name])
    }
    return { kind: "syslog", tcp, udp }
  }
  if (http !== undefined) {
    demandLoopback(http.address, at, ["http", "address"])
    const { tls } = http
    return {
      kind: "http",
      address: http.address,
      tls: tls && { certificate: from(tls.certificate), key: from(tls.key) },
    }
  }
  if (forward !== undefined) {
    demandLoopback(forward.address, at, ["forward", "address"])
    return { kind: "forward", address: forward.address }
  }
  return { kind: "stdin" }
}

/** Who comes this way shows no certificate, so he must be on this machine. */
function demandLoopback(address: HostPort | undefined, at: At, path: readonly string[]): void {
  if (address === undefined) return
  if (numeric.test(address.host) && scopeOf(address.host) === "loopback") return
  const what = `${path.join(".")}: ${formatHostPort(address)}`
  throw at(
    path,
    `${what} is not a loopback address; only this machine may come without certificate`,
  )
}

function refuseSharedPlaces(sources: readonly SourceSettings[], at: At): void {
  const seen = new Set<string>()
  for (const [index, { intake }] of sources.entries()) {
    for (const place of placesOf(intake)) {
      if (seen.has(place)) throw at(["sources", index], `sources[${index}]: ${place} is used twice`)
      seen.add(place)
    }
  }
}

function placesOf(intake: Intake): string[] {
  if (intake.kind === "stdin") return ["stdin"]
  if (intake.kind === "file") return [intake.pattern]
  if (intake.kind === "socket") return [intake.path]
  const addresses =
    intake.kind === "syslog"
      ? [
          intake.tcp && `tcp ${formatHostPort(intake.tcp)}`,
          intake.udp && `udp ${formatHostPort(intake.udp)}`,
        ]
      : [`tcp ${formatHostPort(intake.address)}`]
  return addresses.filter((place) => place !== undefined && !place.endsWith(":0")) as string[]
}
