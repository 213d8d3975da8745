import { hash } from "node:crypto"
import { mkdirSync } from "node:fs"
import type { Server } from "node:http"
import { dirname } from "node:path"
import type { TLSSocket } from "node:tls"
import type { ErrorCode } from "@postern/log/base"
import {
  type Acceptor,
  type AuthorityUses,
  createDeadlines,
  openAcceptor,
  type Peer,
  type TlsFiles,
} from "../acceptor/index.ts"
import { expectedWriters, type WriterGrant } from "../access/index.ts"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { type LoadedBy, readerDigest } from "./access-in-force.ts"
import type { AdminRole } from "./admin/index.ts"
import type { SteadyClock } from "./clock.ts"
import { ClockCheck } from "./clock-check.ts"
import { watchClock } from "./clock-watch.ts"
import { heldPlanes } from "./held-planes.ts"
import { InForce, type Reviewed, readReviewed } from "./in-force.ts"
import { type HttpDoor, serveFramed } from "./listener/index.ts"
import { openAdmin } from "./open-admin.ts"
import { openHttpDoor } from "./open-http-door.ts"
import { type OpenedLog, openLog } from "./open-log.ts"
import { openRetention } from "./open-retention.ts"
import { openSyslogDoor } from "./open-syslog-door.ts"
import { refuseRolledBack } from "./open-witnesses.ts"
import { OperatorActs } from "./operator-acts.ts"
import { createOpsServer, listenOps, type PortHealth } from "./ops/index.ts"
import { healthOf } from "./port-health.ts"
import { PortIntake } from "./port-intake.ts"
import { openPublishing, type Publishing } from "./publishing.ts"
import { CreditPool, type FramedSession } from "./session/index.ts"
import { Silence } from "./silence.ts"
import type { SyslogDoor } from "./syslog/index.ts"
import { openAuthorityUses, openTlsFiles } from "./tls-keeping.ts"
import { WriterRenewals } from "./writer-renewals.ts"

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
/** The operator's commands, the reader and the courier. */
const adminConnectionsMax = 16
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
  readonly #watchClock: () => void
  readonly #clock: ClockCheck
  readonly #pool = new CreditPool()
  readonly #deadlines = createDeadlines({ tickMs, now: () => performance.now() })
  readonly #sessions = new Set<FramedSession>()
  readonly #httpDoor: HttpDoor
  readonly #syslogDoor: SyslogDoor
  readonly #renewals: WriterRenewals
  readonly #writers: Acceptor
  readonly #operators: Acceptor
  readonly #tls: TlsFiles
  readonly #authorities: AuthorityUses
  readonly #ops: Server[] = []
  readonly #silence: Silence
  readonly #acts: OperatorActs
  readonly #inForce: InForce
  #grants = new Map<string, WriterGrant | undefined>()
  #draining = false
  #timer: NodeJS.Timeout | undefined
  readonly addresses: Record<"write" | "ops" | "syslog", string[]> = {
    write: [],
    ops: [],
    syslog: [],
  }

  constructor(
    config: Config,
    world: PortWorld,
    log: OpenedLog,
    publishing: Publishing,
    reviewed: Reviewed,
  ) {
    this.#config = config
    this.#world = world
    this.#log = log
    this.#publishing = publishing
    this.#watchClock = watchClock(log.own, world.tell)
    this.#clock = new ClockCheck(log.own, () => publishing.witnesses?.summary().each ?? [])
    this.#silence = new Silence(log.own)
    this.#acts = new OperatorActs(log.own, () => world.clock.milliseconds())
    this.#renewals = this.#openRenewals()
    this.#intake = log.openIntake(
      (id) => this.#grant(id),
      (peer, request, answer) => this.#renewals.answer(peer, request, answer),
    )
    this.#httpDoor = this.#openHttpDoor()
    this.#syslogDoor = openSyslogDoor({
      ...{ log, world, intake: this.#intake, pool: this.#pool, deadlines: this.#deadlines },
      grant: (id) => this.#grant(id),
    })
    this.#tls = openTlsFiles(config.pki, log.own, world.tell, (tls) => {
      this.#writers.setTls(tls)
      this.#operators.setTls(tls)
    })
    const { tls } = this.#tls
    this.#authorities = openAuthorityUses(config, world.tell)
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
    const admin = openAdmin({
      ...{ config, log, world, publishing, acts: this.#acts, inForce: () => this.#inForce },
      status: () => this.status(),
      reload: (by) => this.reload(by),
      retention: openRetention(config, log, world, {
        policy: () => this.#inForce.policy.policy,
        isClockWrong: () => this.#clock.state().offset === "beyond",
      }),
    })
    this.#operators = openAcceptor({
      ...{ connectionsMax: adminConnectionsMax, handshakesMax: adminConnectionsMax },
      tls,
      protocols: ["http/1.1"],
      admit: (peer) => {
        if (this.#inForce.access.list.revocationOf(peer) !== undefined) return "CERTIFICATE_REVOKED"
        return this.#adminRole(peer.id) === undefined ? "NOT_GRANTED" : undefined
      },
      onPeer: (socket, peer) => {
        const role = this.#adminRole(peer.id)
        this.#authorities.see(peer, world.clock.milliseconds())
        if (role !== undefined) admin.serve(socket, { id: peer.id, role })
      },
      onRefused: ({ code, detail, id }) =>
        refusals.add({ id, from: "admin" }, code, { count: 1, detail }),
    })
    log.onRoom(() => this.#intake.roomAppeared())
    const digest = hash("sha256", readTextFile(config.file))
    log.own.record({ action: "postern.config.loaded", outcome: "success", data: { digest } })
    this.#inForce = new InForce(config, reviewed, log, world)
    this.#clock.look(performance.now())
  }

  /** Listens on every plane, once witnesses had their say. Errors: ADDRESS_IN_USE, BIND_REFUSED, LOG_ROLLED_BACK. */
  async listen(): Promise<void> {
    const { allow = [] } = this.#config.listen
    const { adminSocket } = dataDirectories(this.#config)
    mkdirSync(dirname(adminSocket), { recursive: true, mode: 0o700 })
    await this.#operators.listen({ path: adminSocket })
    const { witnesses } = this.#publishing
    if (witnesses !== undefined) {
      await witnesses.firstWords(firstWordsMs)
      refuseRolledBack(witnesses, this.#config)
    }
    const held = heldPlanes(this.#config, this.#world.tell)
    for (const address of held.write) {
      this.addresses.write.push(await this.#writers.listen({ ...address, allow }))
    }
    for (const address of held.syslog) {
      const bound = await this.#writers.listen({ ...address, allow, speaks: "syslog" })
      this.addresses.syslog.push(bound)
    }
    for (const address of held.ops) {
      const server = createOpsServer(() => this.health())
      this.addresses.ops.push(await listenOps(server, address))
      this.#ops.push(server)
    }
    this.#publishing.checkpoints.start()
    this.#timer = setInterval(() => this.#everySecond(), 1000)
  }

  #openHttpDoor(): HttpDoor {
    const [log, world, intake] = [this.#log, this.#world, this.#intake]
    return openHttpDoor({
      ...{ log, world, intake, pool: this.#pool, deadlines: this.#deadlines },
      grant: (id) => this.#grant(id),
      busy: () => this.#busy(),
      renew: (peer, request) => this.#renewals.renew(peer, request),
    })
  }

  #openRenewals(): WriterRenewals {
    const { clock, tell } = this.#world
    return new WriterRenewals(this.#config, {
      ...{ clock, tell, own: this.#log.own },
      refusalOf: (id, marks) => {
        if (this.#inForce.access.list.revocationOf(marks) !== undefined)
          return "CERTIFICATE_REVOKED"
        return this.#grant(id) === undefined ? "NOT_GRANTED" : this.#busy()
      },
      refused: (peer, { code, detail }) =>
        this.#intake.refused(peer, code, detail === undefined ? {} : { detail }),
    })
  }

  #serve(socket: TLSSocket, peer: Peer): void {
    this.#authorities.see(peer, this.#world.clock.milliseconds())
    this.#log.counters.connections += 1
    if (peer.protocol === "syslog") return this.#syslogDoor.serve(socket, peer)
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

  *#peers(): Iterable<Peer> {
    yield* this.#writers.peers()
    yield* this.#operators.peers()
  }

  #admitWriter(peer: Peer): ErrorCode | undefined {
    if (this.#draining) return "SHUTTING_DOWN"
    const { code, proven } = this.#publishing.witnesses?.contradiction ?? {}
    // A mere claim, which a witness can make about anybody, stops no writer.
    if (code === "LOG_ROLLED_BACK" && proven) return code
    if (this.#inForce.access.list.revocationOf(peer) !== undefined) return "CERTIFICATE_REVOKED"
    const grant = this.#grant(peer.id)
    if (grant === undefined) return "NOT_GRANTED"
    const isRefused = peer.protocol === "syslog" && !grant.adapters.has("syslog")
    return isRefused ? "ADAPTER_NOT_GRANTED" : undefined
  }

  #adminRole(id: string): AdminRole | undefined {
    const now = this.#world.clock.milliseconds()
    if (this.#inForce.access.list.operator(id, now)) return "operator"
    return this.#inForce.access.list.courier(id, now) ? "courier" : undefined
  }

  /** Decided anew every second (grants expire) and with every new list; in between it costs a look-up. */
  #grant(id: string): WriterGrant | undefined {
    const known = this.#grants.get(id)
    if (known !== undefined) return known
    const grant = this.#inForce.access.list.writer(id, this.#world.clock.milliseconds())
    if (grant !== undefined) this.#grants.set(id, grant)
    return grant
  }

  #everySecond(): void {
    this.#watchClock()
    this.#tls.look().catch(this.#world.fatal)
    void this.#authorities.look(this.#peers(), this.#world.clock.milliseconds())
    this.#clock.look(performance.now())
    this.#log.refusals.flush()
    this.#log.losses.flush()
    this.#log.policy.flush()
    this.#publishing.witnesses?.everySecond()
    for (const [id] of this.#grants) {
      if (this.#inForce.access.list.writer(id, this.#world.clock.milliseconds()) !== undefined)
        continue
      this.#grants.delete(id)
      this.#writers.reconsider()
    }
    this.#operators.reconsider()
    const before = this.#world.clock.milliseconds() - streamIdleMs
    this.#log.expireStreams(before, (stream) => this.#intake.holds(stream))
    this.#missSilent()
  }

  #missSilent(): void {
    const { counters, streams } = this.#log
    const now = this.#world.clock.milliseconds()
    this.#silence.look(
      expectedWriters(this.#inForce.access.list.identities, now),
      streams.values(),
      now,
    )
    counters.silentWriters = this.#silence.count
  }

  /**
   * Reads access list, policy and certificates again. What is not acceptable changes nothing and leaves an entry. List and
   * policy are in force when this returns, whatever the certificates are like. Errors: as InForce.reload.
   */
  async reload(by: LoadedBy): Promise<{ digest: string; policy: string }> {
    try {
      return this.#inForce.reload(by)
    } finally {
      this.#grants = new Map()
      this.#writers.reconsider()
      this.#operators.reconsider()
      await this.#tls.reload()
    }
  }

  #busy(): "DISK_FULL" | "SHUTTING_DOWN" | undefined {
    if (this.#draining) return "SHUTTING_DOWN"
    return this.#log.commits.diskFullSince === undefined ? undefined : "DISK_FULL"
  }

  health(): PortHealth {
    return healthOf({
      ...{ log: this.#log, publishing: this.#publishing, inForce: this.#inForce },
      ...{ clock: this.#clock, acts: this.#acts, tls: this.#tls, pool: this.#pool },
      connections: this.#writers.count(),
      isDraining: this.#draining,
      nowMs: this.#world.clock.milliseconds(),
    })
  }

  status(): object {
    return {
      origin: this.#config.origin,
      vkey: this.#log.signer.vkey,
      addresses: this.addresses,
      access: { port: this.#inForce.access.list.digest, reader: readerDigest(this.#config) },
      policy: { digest: this.#inForce.policy.policy.digest },
      ...this.health(),
    }
  }

  /** Takes nobody new, acknowledges what was placed, says goodbye to sessions and in the log, closes. */
  async close(): Promise<void> {
    this.#draining = true
    this.#writers.stop()
    clearInterval(this.#timer)
    const { refusals, losses, own, commits, disclosures, errands, keeper, store } = this.#log
    const drained = this.#syslogDoor.drain()
    const durable = () => new Promise<void>((resolve) => commits.afterDurable(resolve))
    await errands.end().then(durable)
    for (const session of [...this.#sessions]) session.dismiss("SHUTTING_DOWN")
    await drained
    refusals.flush(true)
    losses.flush(true)
    this.#log.policy.flush(true)
    own.record({ action: "postern.stopped", outcome: "success", data: { reason: "asked to" } })
    await durable()
    await commits.stop()
    await disclosures.sealed.close()
    await this.#publishing.checkpoints.stop()
    await this.#publishing.witnesses?.flush()
    await this.#authorities.keep(this.#peers(), this.#world.clock.milliseconds())
    await this.closePlanes()
    this.#renewals.close()
    this.#log.audits.close()
    await Promise.all([this.#log.published.close(), keeper.end()])
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
  const reviewed = readReviewed(config)
  const log = await openLog(config, world, reviewed.access.digest)
  let port: Port | undefined
  try {
    const publishing = await openPublishing(config, world, log)
    port = new Port(config, world, log, publishing, reviewed)
    await port.listen()
    return port
  } catch (error) {
    await port?.closePlanes()
    await Promise.all([log.commits.stop(), log.keeper.end()]) // The start is on its way to the disk.
    await log.store.close()
    throw error
  }
}
