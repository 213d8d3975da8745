import { type ErrorCode, errorRegistry, isPosternError, type PosternError } from "@postern/log/base"
import type { RenewalAnswer } from "@postern/log/wire"
import type { CertificateMarks } from "../access/index.ts"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { type Asking, openAsking } from "../postbox/index.ts"
import { openRenewalRelay, type RenewalRelay } from "../renewal/index.ts"
import type { OwnStream } from "./own-stream.ts"
import type { PortWorld } from "./port.ts"
import type { SessionPeer } from "./session/index.ts"

export interface WriterRenewalsWorld extends Pick<PortWorld, "clock" | "tell"> {
  readonly own: Pick<OwnStream, "record">
  /** Why this writer gets no certificate now; undefined if it may. */
  refusalOf(id: string, marks: CertificateMarks): ErrorCode | undefined
  /** For the log: a renewal was refused. */
  refused(peer: SessionPeer, error: PosternError): void
}

/**
 * New certificates for writers, over their own connections (docs/spec/wire.md, Renewal): relayed to the courier, checked, and entered.
 * The port itself signs no certificate.
 */
export class WriterRenewals {
  readonly #world: WriterRenewalsWorld
  readonly #asking: Asking
  readonly #relay: RenewalRelay

  constructor(config: Config, world: WriterRenewalsWorld) {
    const { portState, courierState } = dataDirectories(config)
    this.#world = world
    this.#asking = openAsking(portState, courierState)
    this.#relay = openRenewalRelay({
      ...{ plane: "write", asking: this.#asking },
      hasAuthority: config.pki.caKey !== undefined,
      authorities: () => readTextFile(config.pki.ca),
      refusalOf: (id, marks) => world.refusalOf(id, marks),
      now: () => world.clock.milliseconds(),
      renewed: ({ id, ...data }) =>
        world.own.record({
          action: "postern.certificate.renewed",
          outcome: "success",
          targets: [{ type: "writer", id }],
          data: { identity: id, ...data },
        }),
      failed: ({ message }) =>
        world.tell("error", "an issued certificate is not passed on", { error: message }),
    })
  }

  /** As RenewalRelay.renew. */
  renew(peer: SessionPeer, request: Uint8Array): Promise<string> {
    return this.#relay.renew(peer, request)
  }

  /** The same as a RENEWED frame says it. What is refused is an entry. */
  answer(peer: SessionPeer, request: Uint8Array, answer: (answer: RenewalAnswer) => void): void {
    this.renew(peer, request).then(
      (certificate) => answer({ certificate }),
      (error) => {
        if (!isPosternError(error)) throw error
        this.#world.refused(peer, error)
        const { code, hint, detail } = error
        const { message } = errorRegistry[code]
        answer({ code, message, hint, ...(detail !== undefined && { detail }) })
      },
    )
  }

  close(): void {
    this.#asking.close()
  }
}
