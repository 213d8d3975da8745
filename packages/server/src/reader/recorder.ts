import { X509Certificate } from "node:crypto"
import { join } from "node:path"
import { type Audit, connect, type Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import type { TlsMaterial } from "../acceptor/index.ts"
import { spiffeIdOf } from "../access/index.ts"
import { type Config, dataDirectories, formatHostPort, readTextFile } from "../config/index.ts"
import type { Read, Recorder } from "./api/index.ts"

/** Enough for some hundred thousand questions while the port is away; taken on disk at the start. */
const spoolBytesMax = 32 * 1024 * 1024
/** What is not delivered by then stays in the spool for the next start. */
const closeMs = 1_000

/** Writes reads down as entries of this process's own identity, through the write port like any other writer. */
export interface SpoolRecorder extends Recorder {
  recordOwn(
    action: string,
    data: Record<string, unknown>,
    outcome?: "success" | "failure",
  ): Promise<void>
  /** Goes on under another certificate of the same identity; what is recorded meanwhile waits a moment. */
  renew(tls: TlsMaterial): Promise<void>
  close(): Promise<void>
}

/**
 * A read counts as recorded once it is synced in the reader's own spool, whose space is taken at the start: so reading goes
 * on while the port is down or the disk is full, and no read goes unrecorded.
 */
export async function openRecorder(
  config: Config,
  tls: TlsMaterial,
  tell: (message: string, facts: Record<string, string | number>) => void,
): Promise<SpoolRecorder> {
  const open = (material: TlsMaterial): Promise<Audit> =>
    connect(ownProfile(config, material), {
      spool: { bytesMax: spoolBytesMax, whenFull: "throw", durable: "disk", preallocate: true },
      mayUseSelfActions: true,
      onProblem: ({ code, message }) => tell("recording", { code, problem: message }),
    })
  let current = open(tls)
  await current
  const target = { type: "log", id: config.origin }
  const underWay = new Set<Promise<unknown>>()
  /** Does it with the writer that is open, which stays open for so long. */
  async function withAudit(act: (audit: Audit) => Promise<void>): Promise<void> {
    const acting = current.then(act)
    underWay.add(acting)
    try {
      await acting
    } finally {
      underWay.delete(acting)
    }
  }
  async function reopen(before: Promise<Audit>, material: TlsMaterial): Promise<Audit> {
    const withBefore = [...underWay] // What comes from here on waits for the new one.
    const audit = await before
    await Promise.allSettled(withBefore)
    await audit.close(closeMs)
    return open(material)
  }
  return {
    record: (read: Read) =>
      withAudit(async (audit) => {
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
      }),
    recordOwn: (action, data, outcome = "success") =>
      withAudit(async (audit) => {
        audit(action, { actor: { type: "system", id: "reader" }, target, outcome, data })
      }),
    async renew(material) {
      current = reopen(current, material)
      await current
    },
    close: async () => (await current).close(closeMs),
  }
}

function ownProfile(config: Config, tls: TlsMaterial): Profile {
  const { origin, listen, pki } = config
  const { portState, readerState } = dataDirectories(config)
  const [write] = listen.write
  if (write === undefined) throw new PosternError("CONFIG_INVALID", "listen.write is empty")
  return {
    role: "writer",
    id: spiffeIdOf(new X509Certificate(tls.certificate)),
    server: spiffeIdOf(new X509Certificate(readTextFile(pki.certificate)), "server"),
    address: formatHostPort(write),
    source: `postern://${origin}/reader`,
    spool: join(readerState, "spool"),
    // The port leaves its public key there; the signing keys are none of this process's business.
    log: { origin, vkey: readTextFile(join(portState, "vkey")).trim() },
    ...tls,
  }
}
