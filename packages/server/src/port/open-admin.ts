import { PosternError } from "@postern/log/base"
import type { Config } from "../config/index.ts"
import type { LoadedBy } from "./access-in-force.ts"
import { createAdminServer } from "./admin/index.ts"
import type { InForce } from "./in-force.ts"
import { openErasures } from "./open-erasures.ts"
import type { OpenedLog } from "./open-log.ts"
import type { OperatorActs } from "./operator-acts.ts"
import { PolicyLookup } from "./policy-lookup.ts"
import type { PortWorld } from "./port.ts"
import type { Publishing } from "./publishing.ts"
import type { Retention } from "./retention.ts"

/** What the verbs of operators and couriers act on. */
export interface AdminParts {
  readonly config: Config
  readonly log: OpenedLog
  readonly world: PortWorld
  readonly acts: OperatorActs
  readonly publishing: Publishing
  readonly retention: Retention
  inForce(): InForce
  status(): object
  reload(by: LoadedBy): Promise<unknown>
}

/** The admin plane's verbs, as this port carries them out. */
export function openAdmin(parts: AdminParts): ReturnType<typeof createAdminServer> {
  const { log, world, acts, publishing } = parts
  const lookup = new PolicyLookup(log.disclosures.macKeys, log.own, () =>
    world.clock.milliseconds(),
  )
  const erasures = openErasures(parts.config, log, world, parts)
  return createAdminServer({
    status: () => ({ runtime: { pid: process.pid, node: process.version }, ...parts.status() }),
    access: () => textOf(parts.inForce().access.list),
    policy: () => textOf(parts.inForce().policy.policy),
    lookUp: (told, by) => lookup.lookUp(told, by),
    reload: (by) => parts.reload(by),
    review: (told) => parts.inForce().access.review(told),
    retention: parts.retention,
    erasures,
    errand: (told) => log.errands.look(told),
    act: (told, by) => acts.record(told, by),
    witness: async (report) => {
      if (publishing.witnesses !== undefined) return publishing.witnesses.report(report)
      throw new PosternError("REQUEST_INVALID", "this port was told of no witnesses")
    },
  })
}

function textOf({ digest, text }: { readonly digest: string; readonly text: string }) {
  return { digest, text }
}
