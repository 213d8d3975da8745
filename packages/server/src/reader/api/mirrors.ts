import { PosternError } from "@postern/log/base"
import type { Peer } from "../../acceptor/index.ts"
import type { ReadWorld } from "./world.ts"

/** What a mirror says that it holds; nobody here can check more than that its root is ours. */
export interface Confirmation {
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly time: number
}

/** How far each mirror says it is: one line an identity, the newest word of it. */
export interface MirrorState {
  readonly reader: string
  readonly size: number
  /** RFC 3339. */
  readonly confirmed: string
  readonly connected: boolean
}

/** One open answer of `/v1/log/slots`. */
export interface MirrorSession {
  readonly id: string
  readonly peer: Peer
  readonly question: string
  confirmed: Confirmation | undefined
}

/** What the mirrors have said, in memory: it is made again within a moment of their next confirmation. */
export interface Mirrors {
  /** @throws PosternError OVERLOADED */
  admit(session: MirrorSession): void
  leave(session: MirrorSession): void
  /** The reader's own open session. @throws PosternError NOT_FOUND */
  session(reader: string, id: string): MirrorSession
  confirm(session: MirrorSession, size: number): void
  states(): MirrorState[]
}

const sessionsMax = 4
const sessionsPerReaderMax = 2
/** Identities are as many as the access list names readers; those that were heard last are kept. */
const rememberedMax = 16

export function openMirrors(world: Pick<ReadWorld, "now" | "onMirrors">): Mirrors {
  const sessions = new Set<MirrorSession>()
  const remembered = new Map<string, Confirmation>()

  function states(): MirrorState[] {
    const connected = new Set([...sessions].map(({ peer }) => peer.id))
    return [...remembered].map(([reader, { size, time }]) => {
      const confirmed = new Date(time).toISOString()
      return { reader, size, confirmed, connected: connected.has(reader) }
    })
  }

  return {
    admit(session) {
      const own = [...sessions].filter(({ peer }) => peer.id === session.peer.id).length
      if (sessions.size >= sessionsMax || own >= sessionsPerReaderMax) {
        throw new PosternError(
          "OVERLOADED",
          `${sessions.size} mirrors follow, ${own} of them yours`,
        )
      }
      sessions.add(session)
    },
    leave(session) {
      sessions.delete(session)
      if (remembered.has(session.peer.id)) world.onMirrors(states())
    },
    session(reader, id) {
      for (const session of sessions) {
        if (session.id === id && session.peer.id === reader) return session
      }
      throw new PosternError("NOT_FOUND", "you have no open answer with this session")
    },
    confirm(session, size) {
      const { id } = session.peer
      session.confirmed = { size, time: world.now() }
      remembered.delete(id)
      remembered.set(id, session.confirmed)
      for (const oldest of remembered.keys()) {
        if (remembered.size <= rememberedMax) break
        remembered.delete(oldest)
      }
      world.onMirrors(states())
    },
    states,
  }
}
