import { X509Certificate } from "node:crypto"
import { join } from "node:path"
import { type Audit, connect, type Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../access/index.ts"
import {
  type Config,
  dataDirectories,
  formatHostPort,
  readSecretFile,
  readTextFile,
} from "../config/index.ts"
import type { Read, Recorder } from "./api/index.ts"

/** Enough for some hundred thousand questions while the port is away; taken on disk at the start. */
const spoolBytesMax = 32 * 1024 * 1024
/** What is not delivered by then stays in the spool for the next start. */
const closeMs = 1_000

/** Writes reads down as entries of this process's own identity, through the write port like any other writer. */
export interface SpoolRecorder extends Recorder {
  recordOwn(action: string, data: Record<string, unknown>): void
  close(): Promise<void>
}

/**
 * A read counts as recorded once it is synced in the reader's own spool, whose space is taken at the start: so reading goes
 * on while the port is down or the disk is full, and no read goes unrecorded.
 */
export async function openRecorder(
  config: Config,
  tell: (message: string, facts: Record<string, string | number>) => void,
): Promise<SpoolRecorder> {
  const profile = ownProfile(config)
  const audit: Audit = await connect(profile, {
    spool: { bytesMax: spoolBytesMax, whenFull: "throw", durable: "disk", preallocate: true },
    mayUseSelfActions: true,
    onProblem: ({ code, message }) => tell("recording", { code, problem: message }),
  })
  const target = { type: "log", id: config.origin }
  return {
    async record(read: Read) {
      const { action, reader, from, what, question, facts } = read
      const data = { what, question, from, ...facts }
      const id = audit(action, {
        actor: { type: "reader", id: reader },
        target,
        outcome: "success",
        data,
      })
      if (id === "") throw new PosternError("READ_UNRECORDED")
      await audit.spooled()
    },
    recordOwn(action, data) {
      audit(action, { actor: { type: "system", id: "reader" }, target, outcome: "success", data })
    },
    close: () => audit.close(closeMs),
  }
}

function ownProfile(config: Config): Profile {
  const { origin, listen, pki } = config
  const { portState, readerState } = dataDirectories(config)
  const certificate = readTextFile(pki.reader.certificate)
  const [write] = listen.write
  if (write === undefined) throw new PosternError("CONFIG_INVALID", "listen.write is empty")
  return {
    role: "writer",
    id: spiffeIdOf(new X509Certificate(certificate)),
    server: spiffeIdOf(new X509Certificate(readTextFile(pki.certificate)), "server"),
    address: formatHostPort(write),
    source: `postern://${origin}/reader`,
    spool: join(readerState, "spool"),
    // The port leaves its public key there; the signing keys are none of this process's business.
    log: { origin, vkey: readTextFile(join(portState, "vkey")).trim() },
    ca: readTextFile(pki.ca),
    certificate,
    key: readSecretFile(pki.reader.key),
  }
}
