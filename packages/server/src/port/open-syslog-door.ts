import type { Deadlines } from "../acceptor/index.ts"
import { defaultSource, type WriterGrant } from "../access/index.ts"
import type { OpenedLog } from "./open-log.ts"
import type { PortWorld } from "./port.ts"
import { PortIntake } from "./port-intake.ts"
import type { CreditPool } from "./session/index.ts"
import { SyslogDoor } from "./syslog/index.ts"

export interface SyslogDoorParts {
  readonly log: OpenedLog
  readonly intake: PortIntake
  readonly pool: CreditPool
  readonly deadlines: Deadlines
  readonly world: PortWorld
  grant(id: string): WriterGrant | undefined
}

/** The syslog plane, over the same log and intake as everything else. */
export function openSyslogDoor(parts: SyslogDoorParts): SyslogDoor {
  const { log, intake, pool, deadlines, world, grant } = parts
  return new SyslogDoor({
    ...{ pool, deadlines, sessionName: PortIntake.sessionName },
    intake: {
      ...{ memory: log.memory, grant, disclose: log.disclosures.keepOut },
      nowMs: () => world.clock.milliseconds(),
      source: (id) => {
        const found = grant(id)
        return found === undefined ? "unknown" : defaultSource(found)
      },
      noRoom: (peer, events, bytes) => intake.noRoom(peer, "syslog", events, bytes),
      offerBody: (body) => intake.offerBody(body),
      keepOut: (body) => intake.keepOut(body),
      whenRoom: (owner, delayMs) => intake.whenRoom(owner, delayMs),
      refused: (peer, code, detail) => intake.refused(peer, code, detail),
      lost: (peer, loss) => log.losses.add(peer, loss),
    },
  })
}
