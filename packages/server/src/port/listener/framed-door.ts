import type { TLSSocket } from "node:tls"
import type { Deadlines, Peer } from "../../acceptor/index.ts"
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
/** A peer that does not read its acknowledgements: what may wait for it, and how long. */
const unreadBytesMax = 1_048_576
const unreadMs = 10_000

/** Joins a socket that speaks postern/1 to a session; owns the socket and its deadlines. */
export function serveFramed(socket: TLSSocket, peer: Peer, world: FramedDoorWorld): FramedSession {
  const { deadlines } = world
  const session = new FramedSession(
    world.intake,
    world.pool,
    { id: peer.id, certificate: peer.certificate, from: peer.from, session: world.sessionName() },
    {
      send(bytes) {
        if (!socket.writable) return
        socket.write(bytes)
        if (socket.writableLength > unreadBytesMax) unread ??= deadlines.set(socket, unreadMs, cut)
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      end() {
        // What was said is flushed; a peer that does not take it is cut.
        socket.end()
        deadlines.set(socket, unreadMs, cut)
      },
    },
  )
  let unread: ReturnType<Deadlines["set"]> | undefined
  let frame: ReturnType<Deadlines["set"]> | undefined
  const hello = deadlines.set(session, helloMs, (late) => {
    if (!late.greeted) late.dismiss("FRAME_TIMEOUT")
  })
  const idle = deadlines.set(session, idleMs, (silent) => silent.dismiss("IDLE_TIMEOUT"))

  socket.on("data", (chunk: Buffer) => {
    idle.touch()
    session.receive(chunk)
    if (!session.midFrame) {
      frame?.clear()
      frame = undefined
    } else {
      frame ??= deadlines.set(session, frameMs, (slow) => slow.dismiss("FRAME_TIMEOUT"))
    }
  })
  socket.on("drain", () => {
    unread?.clear()
    unread = undefined
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
