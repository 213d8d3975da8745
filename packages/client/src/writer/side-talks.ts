import { PosternError } from "@postern/log/base"
import { type Frame, frameTypes } from "@postern/log/wire"
import type { Profile } from "../profile.ts"
import type { Auditor } from "./auditor.ts"
import type { WriterRenewal } from "./writer-renewal.ts"

/** What is said on a connection beside the stream: audits of the log, and renewals of the certificate. Delivery waits for neither. */
export class SideTalks {
  readonly #auditor: Auditor
  readonly #renewal: WriterRenewal

  constructor(auditor: Auditor, renewal: WriterRenewal) {
    this.#auditor = auditor
    this.#renewal = renewal
  }

  /** The stream is open. @param profile the one that the connection showed */
  begin(profile: Profile, send: (frame: Uint8Array) => void, reconnect: () => void): void {
    this.#auditor.begin(profile, send)
    this.#renewal.begin(profile, send, reconnect)
  }

  /** The connection is gone. */
  end(): void {
    this.#auditor.end()
    this.#renewal.end()
  }

  /** A CHECKPOINT or RENEWED. Errors: FRAME_SYNTAX, FRAME_ORDER. */
  hear({ type, body }: Frame): Promise<void> | undefined {
    if (type === frameTypes.checkpoint) return this.#auditor.hear(body)
    this.#renewal.hear(body)
    return undefined
  }

  /** The port does not know a frame: an older one, for which delivery is what matters. */
  refuse(detail: string | undefined): void {
    if (this.#renewal.isAsking) this.#renewal.refuse()
    else this.#auditor.refuse(new PosternError("FRAME_TYPE", detail))
  }
}
