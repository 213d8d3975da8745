import type { TLSSocket } from "node:tls"
import {
  type Deadline,
  type Deadlines,
  endOurSide,
  type Peer,
  resetConnection,
} from "../../acceptor/index.ts"
import type { CreditPool, SessionPeer } from "../session/index.ts"
import { type SyslogIntake, SyslogSession } from "./syslog-session.ts"

export interface SyslogDoorWorld {
  readonly intake: SyslogIntake
  readonly pool: CreditPool
  readonly deadlines: Deadlines
  sessionName(): string
}

/** Deadlines of docs/spec/wire.md, Limits. A connection may be silent for ever: who closes it loses its next message. */
const messageMs = 30_000
/** Then the kernel asks whether the other machine is still there. */
const keepAliveMs = 60_000
/** After so long without a message, what was begun with several is given as it is. */
const quietMs = 1_000
/** Gathered before they are looked at within a turn of the loop: some senders write every message in TLS records of its own. */
const gatherBytes = 65_536
/** How long senders are read to their end when the port stops. */
const drainMs = 10_000
/**
 * One that says nothing for so long has nothing on its way: a packet that was lost is sent again after the round trip and 200 ms
 * (RTO_MIN of Linux), and after twice that if it is lost again.
 */
const drainQuietMs = 1_000

/** The syslog plane: joins sockets to sessions, and reads them to their end when the port stops. */
export class SyslogDoor {
  readonly #world: SyslogDoorWorld
  readonly #live = new Set<SyslogConnection>()
  #emptied: (() => void) | undefined

  constructor(world: SyslogDoorWorld) {
    this.#world = world
  }

  /** Owns the socket from now on. */
  serve(socket: TLSSocket, peer: Peer): void {
    const { id, certificate, shown, from } = peer
    const who: SessionPeer = { id, certificate, shown, from, session: this.#world.sessionName() }
    const connection = new SyslogConnection(socket, who, this.#world, () => {
      this.#live.delete(connection)
      if (this.#live.size === 0) this.#emptied?.()
    })
    this.#live.add(connection)
  }

  /**
   * Ends our side of every connection, and reads until each sender has ended its own or has nothing more to say, for ten seconds at
   * most: those that go on even then are cut, and that is a loss. What was read is placed when this resolves.
   */
  async drain(): Promise<void> {
    if (this.#live.size === 0) return
    const over = new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
    for (const connection of this.#live) connection.drain()
    const bound = this.#world.deadlines.set(this.#live, drainMs, (live) => {
      for (const { session } of live) session.abandon("SHUTTING_DOWN")
    })
    await over
    bound.clear()
  }
}

/** A socket, its session and its deadlines. */
class SyslogConnection {
  readonly session: SyslogSession
  readonly #socket: TLSSocket
  readonly #deadlines: Deadlines
  #slow: Deadline | undefined
  #quiet: Deadline | undefined
  #draining: Deadline | undefined
  /** Of the session, when #slow was looked at. */
  #messages = 0
  #isScheduled = false
  /** Its sender said everything that it had to say, as far as we can tell. */
  #hasEnded = false

  constructor(
    socket: TLSSocket,
    peer: SessionPeer,
    { intake, pool, deadlines }: SyslogDoorWorld,
    over: () => void,
  ) {
    this.#socket = socket
    this.#deadlines = deadlines
    this.session = new SyslogSession(intake, pool.of(peer.id), peer, {
      pause: () => void socket.pause(),
      resume: () => {
        socket.resume()
        this.#watch()
      },
      cut: () => resetConnection(socket),
      over,
    })
    socket.setKeepAlive(true, keepAliveMs)
    socket.on("data", (chunk: Buffer) => this.#take(chunk))
    socket.on("end", () => {
      this.#hasEnded = true
    })
    socket.on("close", (hadError: boolean) => {
      for (const deadline of [this.#slow, this.#quiet, this.#draining]) deadline?.clear()
      const reason = hadError ? "reset" : "ended by the port"
      this.session.ended(this.#hasEnded ? undefined : reason)
    })
  }

  /** Senders that look for our end see it and begin anew elsewhere; the others are left once they are quiet. */
  drain(): void {
    endOurSide(this.#socket)
    this.#draining = this.#deadlines.set(this, drainQuietMs, (connection) => connection.#leave())
  }

  #leave(): void {
    const { session } = this
    if (session.isPaused || session.midMessage) {
      this.#draining = this.#deadlines.set(this, drainQuietMs, (connection) => connection.#leave())
      return
    }
    this.#hasEnded = true
    resetConnection(this.#socket)
  }

  #take(chunk: Buffer): void {
    this.session.receive(chunk)
    this.#draining?.touch()
    if (this.#quiet === undefined) {
      this.#quiet = this.#deadlines.set(this, quietMs, (connection) => connection.#fallQuiet())
    } else this.#quiet.touch()
    if (this.session.heldBytes >= gatherBytes) return this.#work()
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#work()
    })
  }

  #work(): void {
    this.session.work()
    this.#watch()
  }

  #fallQuiet(): void {
    this.#quiet = undefined
    this.session.quiet()
  }

  /** What has begun to arrive has its deadline, while it is its sender who is waited for. */
  #watch(): void {
    const { session } = this
    if (!session.midMessage) {
      this.#slow?.clear()
      this.#slow = undefined
    } else if (this.#slow === undefined) {
      this.#slow = this.#deadlines.set(session, messageMs, (late) => late.dismiss("SYSLOG_TIMEOUT"))
    } else if (session.messages !== this.#messages) {
      this.#slow.touch() // Another message than the one that it was set for.
    }
    this.#messages = session.messages
  }
}
