import { PosternError } from "@postern/log/base"
import { decodeAudit, decodeRenew, type Frame } from "@postern/log/wire"
import { checkpointFrame, renewedFrame } from "./answers.ts"
import type { BatchOwner, Intake, SessionPeer } from "./intake.ts"

/** What a session is asked that takes its time: one question of a kind at once, and everything else goes on meanwhile. */
export class Questions {
  readonly #intake: Intake
  readonly #peer: SessionPeer
  readonly #send: (frame: Uint8Array) => void
  #isAuditing = false
  #isRenewing = false

  /** @param send passes over what comes when the session is closed */
  constructor(intake: Intake, peer: SessionPeer, send: (frame: Uint8Array) => void) {
    this.#intake = intake
    this.#peer = peer
    this.#send = send
  }

  /** Errors: FRAME_ORDER, FRAME_SYNTAX. */
  audit(owner: BatchOwner, frame: Frame): void {
    const question = decodeAudit(frame.body)
    if (this.#isAuditing)
      throw new PosternError("FRAME_ORDER", "the AUDIT before has no answer yet")
    this.#isAuditing = true
    this.#intake.audit(owner, this.#peer, question, (answer) => {
      this.#isAuditing = false
      this.#send(checkpointFrame(answer))
    })
  }

  /** Errors: FRAME_ORDER, FRAME_SYNTAX. */
  renew(frame: Frame): void {
    // The frame's bytes are the connection's: what is looked at later is a copy.
    const request = new Uint8Array(decodeRenew(frame.body))
    if (this.#isRenewing)
      throw new PosternError("FRAME_ORDER", "the RENEW before has no answer yet")
    this.#isRenewing = true
    this.#intake.renew(this.#peer, request, (answer) => {
      this.#isRenewing = false
      this.#send(renewedFrame(answer))
    })
  }
}
