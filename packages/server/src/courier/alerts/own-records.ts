import { X509Certificate } from "node:crypto"
import { join } from "node:path"
import { type Audit, connect, type Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../../access/index.ts"
import {
  type Config,
  dataDirectories,
  formatHostPort,
  readSecretFile,
  readTextFile,
} from "../../config/index.ts"
import type { Tell } from "../../lifetime/index.ts"

/** Writes down what alerts did, as entries of the courier's own identity, through the write port like any other writer. */
export interface OwnRecords {
  /** The courier's SPIFFE ID. */
  readonly id: string
  /** Resolves when it is synced in the courier's own spool: it will be an entry, also if the port is away now. */
  record(action: string, outcome: "success" | "failure" | "unknown", data: object): Promise<void>
  /** Goes on under another certificate if there is one. To be called now and then. */
  look(): Promise<void>
  close(): Promise<void>
}

/** Alerts are changes of state: this is enough for tens of thousands while the port is away. */
const spoolBytesMax = 8 * 1024 * 1024
const closeMs = 1_000

/** Errors: CONFIG_INVALID, SPOOL_LOCKED, SPOOL_DAMAGED. */
export async function openOwnRecords(config: Config, tell: Tell): Promise<OwnRecords> {
  let profile = profileOf(config)
  const open = (): Promise<Audit> =>
    connect(profile, {
      spool: { bytesMax: spoolBytesMax, whenFull: "dropOldest", durable: "disk" },
      mayUseSelfActions: true,
      onProblem: ({ code, message }) => tell("warn", "recording", { code, problem: message }),
    })
  let audit = await open()
  const { id } = profile
  const actor = { type: "system", id: "courier" }
  const target = { type: "log", id: config.origin }
  return {
    id,
    async record(action, outcome, data) {
      const details = { actor, target, outcome, data: { ...data } }
      if (audit(action, details) === "") throw new PosternError("SPOOL_FULL", action)
      await audit.spooled()
    },
    async look() {
      const next = profileOf(config)
      if (next.certificate === profile.certificate && next.ca === profile.ca) return
      profile = next
      await audit.close(closeMs)
      audit = await open()
    },
    close: () => audit.close(closeMs),
  }
}

function profileOf(config: Config): Profile {
  const { origin, listen, pki } = config
  const { portState, courierState } = dataDirectories(config)
  const [write] = listen.write
  if (write === undefined) throw new PosternError("CONFIG_INVALID", "listen.write is empty")
  if (pki.courier === undefined) throw new PosternError("CONFIG_INVALID", "pki.courier is missing")
  const certificate = readTextFile(pki.courier.certificate)
  return {
    role: "writer",
    id: spiffeIdOf(new X509Certificate(certificate)),
    server: spiffeIdOf(new X509Certificate(readTextFile(pki.certificate)), "server"),
    address: formatHostPort(write),
    source: `postern://${origin}/courier`,
    spool: join(courierState, "spool"),
    // The port leaves its public key there; the signing keys are none of this process's business.
    log: { origin, vkey: readTextFile(join(portState, "vkey")).trim() },
    ca: readTextFile(pki.ca),
    certificate,
    key: readSecretFile(pki.courier.key),
  }
}
