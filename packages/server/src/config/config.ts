import { dirname, join, resolve } from "node:path"
import { PosternError } from "@postern/log/base"
import { z } from "zod"
import { formatHostPort, type HostPort, parseHostPort } from "./address.ts"
import { type ExposedScope, exposedScopes } from "./address-scope.ts"
import { isCredential } from "./credential.ts"
import { readDocument } from "./document.ts"

/** The configuration of one installation, as postern.yaml says it. All paths are absolute, or name a credential (`credential:NAME`). */
export interface Config {
  /** The file it was read from. */
  readonly file: string
  /** Name of the log: in every checkpoint, and the name of the log key. */
  readonly origin: string
  readonly listen: {
    readonly write: readonly HostPort[]
    readonly read: readonly HostPort[]
    readonly ops: readonly HostPort[]
    /** RFC 5425; without, the port speaks no syslog. */
    readonly syslog?: readonly HostPort[] | undefined
    /** Addresses that are refused unless they are named here. */
    readonly allow?: readonly ExposedScope[]
  }
  readonly data: string
  readonly access: string
  /** Directory of the keys that seal what is kept beside the log (docs/spec/disclosures.md). */
  readonly sealing: string
  /** Segments are encrypted when they are compressed (docs/spec/disk.md); absent: they are compressed in clear. */
  readonly encryption?: "segments"
  /** What is kept of events (docs/spec/policy.md). Not named, it is the policy.yaml beside the access list, if there is one. */
  readonly policy?: string
  /** Questions and alerts (docs/operating/alerts.md). Not named, it is the alerts.yaml beside the access list, if there is one. */
  readonly alerts?: string
  /** Trust policy (C2SP tlog-policy) that names the witnesses of this log; without, there are none. */
  readonly witnesses?: string
  /** Where the courier says, as long as the port is ready, that it is: whoever waits there in vain raises the alarm. */
  readonly heartbeat?: { readonly url: string; readonly everySeconds: number }
  /** A file on other storage that remembers what was signed, beside `last-signed` in the log directory. */
  readonly signedMemory?: string
  /** Who signs with the log key, if it is no file of ours: docs/spec/signer.md. Either this or `pki.logKey`. */
  readonly signer?: { readonly socket: string; readonly vkey: string }
  /** Verifier key of the offline root key, which may certify a log key if the old one was stolen or lost. */
  readonly rootVkey?: string
  readonly pki: {
    readonly ca: string
    /** Only `writer add` and `reader add` use it; absent where the CA is kept elsewhere. */
    readonly caKey?: string
    readonly certificate: string
    readonly key: string
    readonly logKey?: string
    /** The log key of before, which signs checkpoints beside the new one until it is retired (docs/spec/keys.md). */
    readonly retiringLogKey?: string
    /** The note by which the old log key, or the root key, certifies this one; the port writes it itself where it has the old key. */
    readonly logKeyCertificate?: string
    readonly receiptKey: string
    /** The reader process's own identity as a writer (it records reads). */
    readonly reader: { readonly certificate: string; readonly key: string }
    /** The courier process's own identity; there if `witnesses` is. */
    readonly courier?: { readonly certificate: string; readonly key: string }
  }
}

/** The rooms of the data directory. */
export interface DataDirectories {
  readonly log: string
  /** Values kept out of the log's leaves, sealed. */
  readonly disclosures: string
  readonly portState: string
  /** The search index, the reader's; may be thrown away at any time. */
  readonly index: string
  readonly readerState: string
  readonly courierState: string
  /** Unix socket of the admin plane. */
  readonly adminSocket: string
  /** The access list that the port works by. */
  readonly keptAccess: string
  /** The policy that the port works by; empty if there is none. */
  readonly keptPolicy: string
  /** The digest of the access list that the reader process applied. */
  readonly readerAccess: string
  /** Under which CAs' certificates peers came to the port, and to the reader. */
  readonly portAuthorities: string
  readonly readerAuthorities: string
  /** How far mirrors said they are, as the reader process heard it. */
  readonly readerMirrors: string
  /** What the reader process has counted of the log, for its next start. */
  readonly readerSurvey: string
  /** Of the doctor, where he runs under a user of his own. */
  readonly watchState: string
  /** What the doctor found when it looked last. */
  readonly doctorsWord: string
  /** The firewall rules that were applied, as the kernel lists them (guard/firewall). */
  readonly appliedRules: string
  /** Which sockets that were passed to it the port says that it serves, and which the reader process. */
  readonly portSockets: string
  readonly readerSockets: string
  /** Where commands of an operator on this machine ask the other processes (server/postbox). */
  readonly operatorState: string
}

/**
 * sun_path holds 108 bytes with its NUL on Linux, 104 on macOS; beyond it the kernel cuts or
 * refuses.
 */
const socketPathBytesMax = 103
const textMax = 65_536

const hostPort = z.string().transform((text, context): HostPort => {
  const address = parseHostPort(text)
  if (address !== undefined) return address
  context.addIssue({ code: "custom", message: "must be ADDRESS:PORT, e.g. 127.0.0.1:17514" })
  return z.NEVER
})

const hostPorts = z
  .array(hostPort)
  .min(1, "must name at least one address")
  .max(16, "must name at most 16 addresses")

/**
 * Names the log in signed notes (C2SP signed-note: no space, no plus); kept to what every tool
 * prints as it is.
 */
export const originPattern = /^[a-z0-9][A-Za-z0-9._/:-]{0,199}$/

const path = z
  .string()
  .min(1, "must name a path")
  .max(4096, "is too long for a path")
  .refine((text) => !text.includes("\0"), "must not hold a NUL")

const schema = z.strictObject({
  origin: z.string().regex(originPattern, "must be a name such as postern.example/audit"),
  listen: z
    .strictObject({
      write: hostPorts,
      read: hostPorts,
      ops: hostPorts,
      syslog: hostPorts.optional(),
      allow: z.array(z.enum(exposedScopes)).default([]),
    })
    .default(() => ({
      write: [{ host: "127.0.0.1", port: 17514 }],
      read: [{ host: "127.0.0.1", port: 17515 }],
      ops: [{ host: "127.0.0.1", port: 17516 }],
      allow: [],
    })),
  data: path,
  access: path,
  sealing: path.default("sealing"),
  encryption: z.literal("segments", 'must be "segments", or not there').optional(),
  policy: path.optional(),
  alerts: path.optional(),
  witnesses: path.optional(),
  heartbeat: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }).max(2000),
      everySeconds: z.int().min(5).max(3600).default(60),
    })
    .optional(),
  signedMemory: path.optional(),
  signer: z.strictObject({ socket: path, vkey: z.string().max(1000) }).optional(),
  rootVkey: z.string().max(1000).optional(),
  pki: z.strictObject({
    ca: path,
    caKey: path.optional(),
    certificate: path,
    key: path,
    logKey: path.optional(),
    retiringLogKey: path.optional(),
    logKeyCertificate: path.optional(),
    receiptKey: path,
    reader: z.strictObject({ certificate: path, key: path }),
    courier: z.strictObject({ certificate: path, key: path }).optional(),
  }),
})

/**
 * Text of postern.yaml to a Config; relative paths are taken from the directory of `file`. Pure.
 * Errors: CONFIG_INVALID, `FILE line N: field: what is wrong`.
 */
export function parseConfig(text: string, file: string): Config {
  const where = resolve(file)
  const { value, lineOf } = readDocument(text, schema, { code: "CONFIG_INVALID", textMax, where })
  const invalid = (at: readonly PropertyKey[], message: string) =>
    new PosternError("CONFIG_INVALID", `${where} line ${lineOf(at)}: ${message}`)
  refuseSharedAddress(value.listen, invalid)
  const from = (path: string) => (isCredential(path) ? path : resolve(dirname(where), path))
  const { caKey, logKey, retiringLogKey, logKeyCertificate, reader, courier, ...pki } = value.pki
  if ((value.signer === undefined) === (logKey === undefined)) {
    throw invalid(["pki"], "pki: either pki.logKey or signer says where the log key is")
  }
  if (value.witnesses !== undefined && courier === undefined) {
    throw invalid(["witnesses"], "witnesses: pki.courier is missing, the process that asks them")
  }
  if (value.rootVkey !== undefined && !value.rootVkey.startsWith(`${value.origin}/root+`)) {
    throw invalid(["rootVkey"], `rootVkey: must be a verifier key named ${value.origin}/root`)
  }
  const config: Config = {
    file: where,
    origin: value.origin,
    listen: value.listen,
    data: from(value.data),
    access: from(value.access),
    sealing: from(value.sealing),
    ...(value.encryption === undefined ? {} : { encryption: value.encryption }),
    ...(value.policy === undefined ? {} : { policy: from(value.policy) }),
    ...(value.alerts === undefined ? {} : { alerts: from(value.alerts) }),
    ...(value.witnesses === undefined ? {} : { witnesses: from(value.witnesses) }),
    ...(value.heartbeat === undefined ? {} : { heartbeat: value.heartbeat }),
    ...(value.signedMemory === undefined ? {} : { signedMemory: from(value.signedMemory) }),
    ...(value.signer === undefined
      ? {}
      : { signer: signerOf(value.signer, from, value.origin, invalid) }),
    ...(value.rootVkey === undefined ? {} : { rootVkey: value.rootVkey }),
    pki: {
      ca: from(pki.ca),
      ...(caKey === undefined ? {} : { caKey: from(caKey) }),
      certificate: from(pki.certificate),
      key: from(pki.key),
      ...(logKey === undefined ? {} : { logKey: from(logKey) }),
      ...(retiringLogKey === undefined ? {} : { retiringLogKey: from(retiringLogKey) }),
      ...(logKeyCertificate === undefined ? {} : { logKeyCertificate: from(logKeyCertificate) }),
      receiptKey: from(pki.receiptKey),
      reader: { certificate: from(reader.certificate), key: from(reader.key) },
      ...(courier === undefined
        ? {}
        : { courier: { certificate: from(courier.certificate), key: from(courier.key) } }),
    },
  }
  const { adminSocket } = dataDirectories(config)
  if (Buffer.byteLength(adminSocket) > socketPathBytesMax) {
    const bound = `${socketPathBytesMax} bytes`
    throw invalid(["data"], `data: ${adminSocket} is too long for a unix socket (${bound})`)
  }
  return config
}

function signerOf(
  { socket, vkey }: { readonly socket: string; readonly vkey: string },
  from: (relative: string) => string,
  origin: string,
  invalid: (at: readonly PropertyKey[], message: string) => PosternError,
): NonNullable<Config["signer"]> {
  if (!vkey.startsWith(`${origin}+`)) {
    throw invalid(["signer", "vkey"], `signer.vkey: must be a verifier key named ${origin}`)
  }
  return { socket: from(socket), vkey }
}

/** Whether there is anything for the courier to do: outside to speak to, alerts, or certificates to have signed. Pure. */
export function needsCourier({ witnesses, heartbeat, alerts, pki }: Config): boolean {
  return [witnesses, heartbeat, alerts, pki.caKey].some((one) => one !== undefined)
}

/** Where the processes keep their things below `data`. Pure. */
export function dataDirectories(config: Pick<Config, "data">): DataDirectories {
  const state = join(config.data, "state")
  return {
    log: join(config.data, "log"),
    disclosures: join(config.data, "disclosures"),
    portState: join(state, "port"),
    index: join(config.data, "index"),
    readerState: join(state, "reader"),
    courierState: join(state, "courier"),
    adminSocket: join(state, "port", "admin.sock"),
    keptAccess: join(state, "port", "access.yaml"),
    keptPolicy: join(state, "port", "policy.yaml"),
    readerAccess: join(state, "reader", "access.json"),
    portAuthorities: join(state, "port", "authorities.json"),
    readerAuthorities: join(state, "reader", "authorities.json"),
    readerMirrors: join(state, "reader", "mirrors.json"),
    readerSurvey: join(state, "reader", "survey.json"),
    watchState: join(state, "watch"),
    doctorsWord: join(state, "watch", "doctor.json"),
    appliedRules: join(state, "firewall.json"),
    portSockets: join(state, "port", "sockets.json"),
    readerSockets: join(state, "reader", "sockets.json"),
    operatorState: join(state, "operator"),
  }
}

function refuseSharedAddress(
  listen: Config["listen"],
  invalid: (at: readonly PropertyKey[], message: string) => PosternError,
): void {
  const seen = new Set<string>()
  for (const plane of ["write", "read", "ops", "syslog"] as const) {
    for (const [index, address] of (listen[plane] ?? []).entries()) {
      const text = formatHostPort(address)
      if (address.port !== 0 && seen.has(text)) {
        const message = `listen.${plane}[${index}]: ${text} is named twice`
        throw invalid(["listen", plane, index], message)
      }
      seen.add(text)
    }
  }
}
