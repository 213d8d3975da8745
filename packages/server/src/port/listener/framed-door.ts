import type { TLSSocket } from "node:tls"
import type { Deadline, Deadlines, Peer } from "../../acceptor/index.ts"
import { type BatchOwner, type CreditPool, FramedSession, type Intake } from "../session/index.ts"

export interface FramedDoorWorld {
  readonly intake: Intake
  readonly pool: CreditPool
  readonly deadlines: Deadlines
  sessionName(): string
  /** The session is over. */
  forget(owner: BatchOwner): void
}

/** Deadlines of docs/spec/wire.md, Limits. */
const helloMs = 10_000
const frameMs = 30_000
const idleMs = 300_000
/**
 * A peer that does not read its acknowledgements: what may wait for it, and how long. Each answer that waits costs ten
 * times its bytes if it is as short as a PONG, and there may be a thousand such peers.
 */
const unreadBytesMax = 65_536
const unreadMs = 10_000

/** Joins a socket that speaks postern/1 to a session; owns the socket and its deadlines. */
export function serveFramed(socket: TLSSocket, peer: Peer, world: FramedDoorWorld): FramedSession {
  const { deadlines } = world
  let unread: Deadline | undefined
  let frame: Deadline | undefined
  let frames = 0
  /** Why nothing is read: there is no room for a frame, or the peer does not read either. */
  const held = { room: false, unread: false }
  const regulate = (): void => {
    if (held.room || held.unread) socket.pause()
    else socket.resume()
  }
  const session = new FramedSession(
    world.intake,
    world.pool.of(peer.id),
    {
      ...{ id: peer.id, certificate: peer.certificate, publicKey: peer.publicKey },
      ...{ shown: peer.shown, from: peer.from, session: world.sessionName() },
    },
    {
      get isUnread() {
        return held.unread
      },
      send(bytes) {
        if (!socket.writable) return
        socket.write(bytes)
        if (socket.writableLength <= unreadBytesMax || held.unread) return
        unread = deadlines.set(session, unreadMs, (deaf) => {
          deaf.dismiss("ANSWERS_UNREAD") // For the log: it will not read this either.
          cut(socket)
        })
        held.unread = true
        regulate()
      },
      pause() {
        held.room = true
        regulate()
      },
      resume() {
        held.room = false
        regulate()
        watch()
      },
      end() {
        // What was said is flushed; a peer that does not take it is cut. What it still says is read and not looked at.
        socket.end()
        socket.resume()
        deadlines.set(socket, unreadMs, cut)
      },
    },
  )
  const hello = deadlines.set(session, helloMs, (late) => {
    if (!late.greeted) late.dismiss("FRAME_TIMEOUT")
  })
  const idle = deadlines.set(session, idleMs, (silent) => silent.dismiss("IDLE_TIMEOUT"))

  /** What has begun to arrive has its deadline, while it is its writer who is waited for. */
  const watch = (): void => {
    if (!session.midFrame) {
      frame?.clear()
      frame = undefined
    } else if (frame === undefined) {
      frame = deadlines.set(session, frameMs, (slow) => slow.dismiss("FRAME_TIMEOUT"))
    } else if (session.frames !== frames) {
      frame.touch() // Another frame than the one that it was set for.
    }
    frames = session.frames
  }

  socket.on("data", (chunk: Buffer) => {
    idle.touch()
    socket.cork() // All answers to one chunk go out together, however short they are.
    session.receive(chunk)
    socket.uncork()
    watch()
  })
  socket.on("drain", () => {
    if (!held.unread) return
    unread?.clear()
    held.unread = false
    regulate()
    session.goOn()
  })
  socket.on("close", () => {
    for (const deadline of [hello, idle, frame, unread]) deadline?.clear()
    session.ended()
    world.forget(session)
  })
  return session
}

function cut(socket: TLSSocket): void {
  socket.destroy()
}
