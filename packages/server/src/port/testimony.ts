import { formatBase64 } from "@postern/log/base"
import { type StreamStatement, verifyStreamStatement } from "@postern/log/evidence"
import type { OwnStream } from "./own-stream.ts"
import type { Stream } from "./sequencer/index.ts"
import type { SessionPeer, StreamSignature } from "./session/index.ts"

export interface TestimonyWorld {
  readonly origin: string
  readonly own: Pick<OwnStream, "record">
  /** Milliseconds. */
  now(): number
  /** Calls back when the open slot has room for an entry of the port's. */
  whenRoom(callback: () => void): void
  fatal(error: unknown): void
}

/** A stream's beats are entered at most so often. */
const beatEveryMs = 1000

/** The members of an entry that make what a writer signed checkable (docs/spec/evidence.md, Who says it). */
export interface Signed {
  readonly next: number
  readonly digest: string
  readonly signature: string
}

/**
 * What writers sign for their streams: checked against the chain digest that the port computed itself and the key of the
 * certificate which the session showed, then entered. Never on the way of a batch.
 */
export class Testimony {
  readonly #world: TestimonyWorld

  constructor(world: TestimonyWorld) {
    this.#world = world
  }

  /**
   * Enters a beat; `done` is told whether it holds. One that comes within a second of the last is passed over unread. Nothing of the
   * stream may come in until then.
   */
  beat(
    peer: SessionPeer,
    stream: Stream,
    signed: StreamSignature,
    done: (holds: boolean) => void,
  ): void {
    if (signed.sequence !== stream.next) return done(false)
    const sinceMs = this.#world.now() - (stream.beatMs ?? Number.NEGATIVE_INFINITY)
    if (sinceMs >= 0 && sinceMs < beatEveryMs) return done(true)
    this.check("beat", peer, stream, signed, (proof) => {
      if (proof === undefined) return done(false)
      this.#world.whenRoom(() => {
        stream.beatMs = this.#world.now()
        this.#world.own.record({
          action: "postern.stream.beat",
          outcome: "success",
          targets: [{ type: "writer", id: peer.id }],
          data: { stream: stream.id, writer: peer.id, open: stream.open, ...proof },
        })
        done(true)
      })
    })
  }

  /**
   * Gives what is to be entered, undefined if it does not hold. A certificate that the log does not name yet as one of the stream is
   * entered first.
   */
  check(
    kind: StreamStatement["kind"],
    peer: SessionPeer,
    stream: Stream,
    { sequence, signature }: StreamSignature,
    done: (proof: Signed | undefined) => void,
  ): void {
    const { publicKey } = peer
    const { id, next, digest } = stream
    if (publicKey === undefined || sequence !== next) return done(undefined)
    const statement = { origin: this.#world.origin, stream: id, kind, next, digest }
    const judged = verifyStreamStatement(statement, publicKey, signature)
    judged
      .then((holds) => {
        if (!holds) return done(undefined)
        this.#world.whenRoom(() => {
          this.#introduce(peer, stream)
          done({ next, digest: formatBase64(digest), signature })
        })
      })
      .catch((error) => this.#world.fatal(error))
  }

  #introduce(peer: SessionPeer, stream: Stream): void {
    const { id: writer, certificate, publicKey, from, session } = peer
    if (stream.certificate === certificate) return
    stream.certificate = certificate
    const { id, open } = stream
    this.#world.own.record({
      action: "postern.stream.continued",
      outcome: "success",
      targets: [{ type: "writer", id: writer }],
      data: { stream: id, writer, open, certificate, publicKey, session, from },
    })
  }
}
