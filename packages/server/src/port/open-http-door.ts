import type { Deadlines } from "../acceptor/index.ts"
import { HttpAudits } from "./http-audits.ts"
import { HttpDoor, type HttpDoorWorld } from "./listener/index.ts"
import type { OpenedLog } from "./open-log.ts"
import type { PortWorld } from "./port.ts"
import { PortIntake } from "./port-intake.ts"
import { awaitPublication } from "./publication.ts"
import type { CreditPool } from "./session/index.ts"

export interface HttpDoorParts extends Pick<HttpDoorWorld, "grant" | "busy" | "renew"> {
  readonly log: OpenedLog
  readonly intake: PortIntake
  readonly pool: CreditPool
  readonly deadlines: Deadlines
  readonly world: PortWorld
}

/** HTTP on the write port, over the same log and intake as the framed sessions. */
export function openHttpDoor(parts: HttpDoorParts): HttpDoor {
  const { log, intake, pool, deadlines, world, grant, busy, renew } = parts
  const audits = new HttpAudits(log.audits, (peer, detail) =>
    intake.refused(peer, "AUDIT_AHEAD", { detail }),
  )
  return new HttpDoor({
    ...{ memory: log.memory, pool, deadlines, grant, busy, renew },
    certificate: log.signer.certificate,
    mayGrow: () => log.policy.inForce !== undefined,
    disclose: log.disclosures.keepOut,
    keepOut: (body) => intake.keepOut(body),
    offerBody: (body) => intake.offerBody(body),
    whenRoom: (owner, delayMs) => intake.whenRoom(owner, delayMs),
    afterDurable: (callback) => log.commits.afterDurable(callback),
    refused: (peer, code, detail) => intake.refused(peer, code, detail),
    now: () => new Date(world.clock.milliseconds()),
    eventId: () => world.clock.eventId(),
    sessionName: PortIntake.sessionName,
    audit: (peer, question) => audits.ask(peer, question),
    published: (indexes, withinMs) => {
      return awaitPublication(log.published, indexes, withinMs).catch((error) => {
        // The entries are durable, and that is what their sender is told.
        world.tell("error", "entries could not be proven", { error: `${error}` })
        return undefined
      })
    },
  })
}
