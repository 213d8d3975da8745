import { type ErrorCode, PosternError } from "@postern/log/base"
import { decodeRenewed, encodeFrame, frameTypes } from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import { type ProfileHolder, Renewal } from "../renewal/index.ts"
import { knownCode } from "./problem.ts"
import type { Timer, World } from "./world.ts"

/** The port answers in 15 seconds, or says that nobody did. */
const answerMs = 60_000

interface Asked {
  readonly timer: Timer
  resolve(certificate: string): void
  reject(error: PosternError): void
}

/** Renewal over the writer's connection: RENEW and RENEWED (docs/spec/wire.md). One question at a time. */
export class WriterRenewal {
  readonly #renewal: Renewal
  readonly #world: World
  #asked: Asked | undefined

  constructor(
    holder: ProfileHolder,
    world: World,
    tell: (code: ErrorCode, detail: string) => void,
  ) {
    this.#world = world
    this.#renewal = new Renewal(holder, world, tell)
  }

  /** The stream is open; frames may be sent until end(). @param profile the one that the connection showed */
  begin(
    { certificate: shown }: Profile,
    send: (frame: Uint8Array) => void,
    reconnect: () => void,
  ): void {
    const ask = (request: Uint8Array): Promise<string> => this.#ask(request, send)
    this.#renewal.begin({ shown, ask, reconnect })
  }

  #ask(request: Uint8Array, send: (frame: Uint8Array) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      const late = (): void => this.#settle()?.reject(new PosternError("UNANSWERED"))
      const timer = this.#world.startTimer(late, answerMs)
      timer.hold(false)
      this.#asked = { timer, resolve, reject }
      send(encodeFrame(frameTypes.renew, request))
    })
  }

  #settle(): Asked | undefined {
    const asked = this.#asked
    asked?.timer.cancel()
    this.#asked = undefined
    return asked
  }

  /** The body of a RENEWED; one that nobody waits for any more is passed over. Errors: FRAME_SYNTAX. */
  hear(body: Uint8Array): void {
    const answer = decodeRenewed(body)
    const asked = this.#settle()
    if ("certificate" in answer) return asked?.resolve(answer.certificate)
    const { code, detail, message } = answer
    asked?.reject(new PosternError(knownCode(code), detail ?? message))
  }

  /** The connection is gone. */
  end(): void {
    this.#renewal.end()
    this.#settle()?.reject(
      new PosternError("UNREACHABLE", "the connection ended before the answer"),
    )
  }

  get isAsking(): boolean {
    return this.#asked !== undefined
  }

  /** The port knows nothing of renewals. */
  refuse(): void {
    this.#renewal.refuse()
  }

  /** As Renewal.stop. */
  stop(withinMs: number): Promise<void> {
    return this.#renewal.stop(withinMs)
  }
}
