import { hash } from "node:crypto"
import { mkdirSync, readFileSync } from "node:fs"
import type { Server } from "node:http"
import { dirname } from "node:path"
import type { TLSSocket } from "node:tls"
import { errorRegistry, PosternError } from "@postern/log/base"
import {
  type Acceptor,
  createDeadlines,
  openAcceptor,
  type Peer,
  type TlsMaterial,
} from "../acceptor/index.ts"
import { type AccessList, expectedWriters, parseAccess, type WriterGrant } from "../access/index.ts"
import { type Config, dataDirectories, readSecretFile, readTextFile } from "../config/index.ts"
import type { Head } from "../disk/index.ts"
import { type AdminRole, createAdminServer } from "./admin/index.ts"
import type { SteadyClock } from "./clock.ts"
import { watchClock } from "./clock-watch.ts"
import { HttpDoor, serveFramed } from "./listener/index.ts"
import { type OpenedLog, openLog } from "./open-log.ts"
import { refuseRolledBack } from "./open-witnesses.ts"
import { createOpsServer, listenOps, type PortHealth } from "./ops/index.ts"
import { PortIntake } from "./port-intake.ts"
import { awaitPublication } from "./publication.ts"
import { openPublishing, type Publishing } from "./publishing.ts"
import { CreditPool, type FramedSession } from "./session/index.ts"
import { Silence } from "./silence.ts"

/** Messages for people, one JSON line each on standard error. */
export type Tell = (level: "info" | "warn" | "error", message: string, more?: object) => void

export interface PortWorld {
  readonly clock: SteadyClock
  readonly tell: Tell
  /** Ends the process at once: the state of the log is unknown, recovery decides. */
  fatal(error: unknown): void
  /** Shorter segments than usual. No configuration says this: it is for programmes that want to see many. */
  readonly segmentBytesMax?: number
}

const tickMs = 250
/** How long a start waits for what witnesses know of this log. */
const firstWordsMs = 5000
const streamIdleMs = 7 * 24 * 3600 * 1000

/** The running write process: log, sessions, planes. Made by `openPort`; `close` drains it. */
export class Port {
  readonly #config: Config
  readonly #world: PortWorld
  readonly #log: OpenedLog
  readonly #intake: PortIntake
  readonly #publishing: Publishing
  readonly #lookAtClock: () => void
  readonly #pool = new CreditPool()
  readonly #deadlines = createDeadlines({ tickMs, now: () => performance.now() })
  readonly #sessions = new Set<FramedSession>()
  readonly #httpDoor: HttpDoor
  readonly #writers: Acceptor
  readonly #operators: Acceptor
  readonly #ops: Server[] = []
  readonly #silence: Silence
  #access: AccessList
  #grants = new Map<string, WriterGrant | undefined>()
  #draining = false
  #timer: NodeJS.Timeout | undefined
  readonly addresses: { write: string[]; ops: string[] } = { write: [], ops: [] }

  constructor(
    config: Config,
    world: PortWorld,
    log: OpenedLog,
    publishing: Publishing,
    access: AccessList,
  ) {
    this.#config = config
    this.#world = world
    this.#log = log
    this.#access = access
    this.#publishing = publishing
    this.#lookAtClock = watchClock(log.own, world.tell)
    this.#silence = new Silence(log.own)
    this.#intake = log.openIntake((id) => this.#grant(id))
    this.#httpDoor = this.#openHttpDoor()
    const tls = readTls(config)
    const { refusals } = log
    this.#writers = openAcceptor({
      tls,
      protocols: ["postern/1", "http/1.1"],
      admit: (peer) => this.#admitWriter(peer),
      onPeer: (socket, peer) => this.#serve(socket, peer),
      onRefused: ({ code, detail, from, id }) =>
        refusals.add({ id, from, stranger: true }, code, { count: 1, detail }),
    })
    publishing.onContradiction(() => this.#writers.reconsider())
    const admin = createAdminServer({
      status: () => this.status(),
      reload: async () => this.reload(),
      witness: async (report) => {
        if (publishing.witnesses !== undefined) return publishing.witnesses.report(report)
        throw new PosternError("REQUEST_INVALID", "this port was told of no witnesses")
      },
    })
    this.#operators = openAcceptor({
      tls,
      protocols: ["http/1.1"],
      admit: ({ id }) => (this.#adminRole(id) === undefined ? "NOT_GRANTED" : undefined),
      onPeer: (socket, { id }) => {
        const role = this.#adminRole(id)
        if (role !== undefined) admin.serve(socket, role)
      },
      onRefused: ({ code, detail, id }) =>
        refusals.add({ id, from: "admin" }, code, { count: 1, detail }),
    })
    log.onRoom(() => this.#intake.roomAppeared())
    const digest = hash("sha256", readTextFile(config.file))
    log.own.record({ action: "postern.config.loaded", outcome: "success", data: { digest } })
    this.#recordAccess()
  }

  /** Listens on every plane, once witnesses had their say. Errors: ADDRESS_IN_USE, BIND_REFUSED, LOG_ROLLED_BACK. */
  async listen(): Promise<void> {
    const { write, ops } = this.#config.listen
    const { adminSocket } = dataDirectories(this.#config)
    mkdirSync(dirname(adminSocket), { recursive: true, mode: 0o700 })
    await this.#operators.listen({ path: adminSocket })
    const { witnesses } = this.#publishing
    if (witnesses !== undefined) {
      await witnesses.firstWords(firstWordsMs)
      refuseRolledBack(witnesses, this.#config)
    }
    for (const address of write) this.addresses.write.push(await this.#writers.listen(address))
    for (const address of ops) {
      const server = createOpsServer(() => this.health())
      this.addresses.ops.push(await listenOps(server, address))
      this.#ops.push(server)
    }
    this.#publishing.checkpoints.start()
    this.#timer = setInterval(() => this.#everySecond(), 1000)
  }

  #openHttpDoor(): HttpDoor {
    const { memory, commits, signer } = this.#log
    return new HttpDoor({
      memory,
      pool: this.#pool,
      deadlines: this.#deadlines,
      certificate: signer.certificate,
      grant: (id) => this.#grant(id),
      offerBody: (body) => this.#intake.offerBody(body),
      whenRoom: (owner, delayMs) => this.#intake.whenRoom(owner, delayMs),
      afterDurable: (callback) => commits.afterDurable(callback),
      refused: (peer, code, detail) => this.#intake.refused(peer, code, detail),
      now: () => new Date(this.#world.clock.milliseconds()),
      eventId: () => this.#world.clock.eventId(),
      sessionName: PortIntake.sessionName,
      busy: () => this.#busy(),
      published: (indexes, withinMs) => {
        return awaitPublication(this.#log.published, indexes, withinMs).catch((error) => {
          // The entries are durable, and that is what their sender is told.
          this.#world.tell("error", "entries could not be proven", { error: `${error}` })
          return undefined
        })
      },
    })
  }

  #serve(socket: TLSSocket, peer: Peer): void {
    this.#log.counters.connections += 1
    if (peer.protocol !== "postern/1") return this.#httpDoor.serve(socket, peer)
    const session = serveFramed(socket, peer, {
      intake: this.#intake,
      pool: this.#pool,
      deadlines: this.#deadlines,
      sessionName: PortIntake.sessionName,
      forget: (owner) => {
        this.#intake.forget(owner)
        this.#sessions.delete(session)
      },
    })
    this.#sessions.add(session)
  }

  #admitWriter({ id }: Peer): "NOT_GRANTED" | "SHUTTING_DOWN" | "LOG_ROLLED_BACK" | undefined {
    if (this.#draining) return "SHUTTING_DOWN"
    const { code, proven } = this.#publishing.witnesses?.contradiction ?? {}
    // A mere claim, which a witness can make about anybody, stops no writer.
    if (code === "LOG_ROLLED_BACK" && proven) return code
    return this.#grant(id) === undefined ? "NOT_GRANTED" : undefined
  }

  #adminRole(id: string): AdminRole | undefined {
    const now = this.#world.clock.milliseconds()
    if (this.#access.operator(id, now)) return "operator"
    return this.#access.courier(id, now) ? "courier" : undefined
  }

  /** Decided anew every second (grants expire) and with every new list; in between it costs a look-up. */
  #grant(id: string): WriterGrant | undefined {
    const known = this.#grants.get(id)
    if (known !== undefined) return known
    const grant = this.#access.writer(id, this.#world.clock.milliseconds())
    if (grant !== undefined) this.#grants.set(id, grant)
    return grant
  }

  #everySecond(): void {
    this.#lookAtClock()
    this.#log.refusals.flush()
    this.#publishing.witnesses?.everySecond()
    for (const [id] of this.#grants) {
      if (this.#access.writer(id, this.#world.clock.milliseconds()) !== undefined) continue
      this.#grants.delete(id)
      this.#writers.reconsider()
    }
    const before = this.#world.clock.milliseconds() - streamIdleMs
    this.#log.expireStreams(before, (stream) => this.#intake.holds(stream))
    this.#missSilent()
  }

  #missSilent(): void {
    const { counters, streams } = this.#log
    const now = this.#world.clock.milliseconds()
    this.#silence.look(expectedWriters(this.#access.identities, now), streams.values(), now)
    counters.silentWriters = this.#silence.count
  }

  /** Reads access list and certificates again. What is not acceptable changes nothing and leaves an entry. */
  reload(): { digest: string } {
    try {
      const access = parseAccess(readTextFile(this.#config.access))
      const tls = readTls(this.#config)
      this.#writers.setTls(tls)
      this.#operators.setTls(tls)
      this.#access = access
      this.#grants = new Map()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#world.tell("error", "the old configuration stays in force", { error: message })
      this.#log.own.record({
        action: "postern.access.refused",
        outcome: "failure",
        data: { error: message.slice(0, 500) },
      })
      throw error
    }
    this.#writers.reconsider()
    this.#operators.reconsider()
    const { digest } = this.#access
    this.#recordAccess()
    this.#world.tell("info", "access list applied", { digest })
    return { digest }
  }

  /** Followers apply the list when they read this entry. */
  #recordAccess(): void {
    const { digest, identities } = this.#access
    const data = { digest, identities: identities.length }
    this.#log.own.record({ action: "postern.access.loaded", outcome: "success", data })
  }

  #busy(): "DISK_FULL" | "SHUTTING_DOWN" | undefined {
    if (this.#draining) return "SHUTTING_DOWN"
    return this.#log.commits.diskFullSince === undefined ? undefined : "DISK_FULL"
  }

  health(): PortHealth {
    const { counters, refusals, streams, commits } = this.#log
    const notReady: string[] = []
    if (this.#draining) notReady.push("draining")
    const since = commits.diskFullSince
    if (since !== undefined) {
      notReady.push(
        `the log's disk has been full since ${new Date(since).toISOString()}: ${errorRegistry.DISK_FULL.hint}`,
      )
    }
    const { signerProblem } = this.#publishing.checkpoints
    if (signerProblem?.code === "LOG_ROLLED_BACK") notReady.push(signerProblem.message)
    const witnesses = this.#publishing.witnesses?.summary()
    if (witnesses?.contradiction !== undefined) notReady.push(witnesses.contradiction)
    return {
      ...counters,
      connections: this.#writers.count(),
      refused: refusals.total,
      streams: streams.size,
      durableSize: this.#head()?.size ?? 0,
      publishedSize: this.#publishing.checkpoints.published,
      signerProblem: signerProblem?.message,
      witnesses,
      creditLeft: this.#pool.left,
      notReady,
    }
  }

  #head(): Head | undefined {
    return this.#log.commits.head
  }

  status(): unknown {
    const { origin } = this.#config
    const readerFile = dataDirectories(this.#config).readerAccess
    return {
      origin,
      vkey: this.#log.signer.vkey,
      addresses: this.addresses,
      access: { port: this.#access.digest, reader: readDigest(readerFile) },
      ...this.health(),
    }
  }

  /** Takes nobody new, acknowledges what was placed, says goodbye to sessions and in the log, closes. */
  async close(): Promise<void> {
    this.#draining = true
    this.#writers.stop()
    clearInterval(this.#timer)
    const { refusals, own, commits, store } = this.#log
    const durable = () => new Promise<void>((resolve) => commits.afterDurable(resolve))
    await durable()
    for (const session of [...this.#sessions]) session.dismiss("SHUTTING_DOWN")
    refusals.flush(true)
    own.record({ action: "postern.stopped", outcome: "success", data: { reason: "asked to" } })
    await durable()
    await commits.stop()
    await this.#publishing.checkpoints.stop()
    await this.#publishing.witnesses?.flush()
    await this.closePlanes()
    this.#log.audits.close()
    await this.#log.published.close()
    await store.close()
  }

  /** Ends every connection, at once. */
  async closePlanes(): Promise<void> {
    await Promise.all([this.#writers.close(), this.#operators.close()])
    for (const server of this.#ops) server.close()
    this.#deadlines.close()
  }
}

/** Opens the log and the planes as the configuration says. Errors: CONFIG_INVALID, ACCESS_INVALID, POLICY_INVALID, LOG_…, ADDRESS_IN_USE. */
export async function openPort(config: Config, world: PortWorld): Promise<Port> {
  const access = parseAccess(readTextFile(config.access))
  const log = await openLog(config, world, access.digest)
  let port: Port | undefined
  try {
    const publishing = await openPublishing(config, world, log)
    port = new Port(config, world, log, publishing, access)
    await port.listen()
    return port
  } catch (error) {
    await port?.closePlanes()
    await log.commits.stop() // The start is on its way to the disk.
    await log.store.close()
    throw error
  }
}

function readTls(config: Config): TlsMaterial {
  const { key, certificate, ca } = config.pki
  return { key: readSecretFile(key), certificate: readTextFile(certificate), ca: readTextFile(ca) }
}

function readDigest(file: string): string | undefined {
  try {
    return String(JSON.parse(readFileSync(file, "utf8")).digest)
  } catch {
    return undefined // The reader has not said yet which list it applied: unknown is the answer.
  }
}
