import { decodeUtf8 } from "@postern/log/base"
import { type AuditAnswer, type AuditQuestion, encodeCheckpoint } from "@postern/log/wire"
import type { AuditDesk } from "./audit-desk.ts"
import type { SessionPeer } from "./session/index.ts"

/** The longest wait for a turn, or for a first checkpoint. */
const answerMs = 10_000

/**
 * Audits of senders over HTTP (docs/reference/write-http.md): the same answers as to AUDIT frames. A writer has one question at a
 * time, over all its connections, so that nobody's requests can fill the queue.
 */
export class HttpAudits {
  readonly #desk: Pick<AuditDesk, "ask" | "forget">
  readonly #refused: (peer: SessionPeer, detail: string) => void
  /** One object for each writer: the desk's turns go by it. */
  readonly #turns = new Map<string, object>()
  readonly #asking = new Set<string>()

  /** @param refused told of a writer that has seen more than is published */
  constructor(
    desk: Pick<AuditDesk, "ask" | "forget">,
    refused: (peer: SessionPeer, detail: string) => void,
  ) {
    this.#desk = desk
    this.#refused = refused
  }

  /** What a CHECKPOINT frame would say; undefined if another question of the writer is open, or none is answered in time. */
  async ask(peer: SessionPeer, question: AuditQuestion): Promise<object | undefined> {
    if (this.#asking.has(peer.id)) return undefined
    this.#asking.add(peer.id)
    const answer = await this.#answerTo(peer, question).finally(() => this.#asking.delete(peer.id))
    return answer && JSON.parse(decodeUtf8(encodeCheckpoint(answer)) ?? "null")
  }

  #answerTo(peer: SessionPeer, question: AuditQuestion): Promise<AuditAnswer | undefined> {
    const turn = this.#turns.get(peer.id) ?? {}
    this.#turns.set(peer.id, turn)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#desk.forget(turn)
        resolve(undefined)
      }, answerMs)
      const answered = (answer: AuditAnswer): void => {
        clearTimeout(timer)
        resolve(answer)
      }
      try {
        this.#desk.ask(turn, question, answered, (size) =>
          this.#refused(peer, `seen ${question.seen}, published ${size}`),
        )
      } catch (error) {
        clearTimeout(timer)
        throw error
      }
    })
  }
}
