import { dirname, join } from "node:path"
import { type Config, dataDirectories, readTextFile } from "../config/index.ts"
import { openDisclosures } from "../disclosures/index.ts"
import { followLog } from "../disk/index.ts"
import { countApprovals } from "./approvals.ts"
import type { ErasingWorld } from "./erasing.ts"
import { Erasures } from "./erasures.ts"
import type { InForce } from "./in-force.ts"
import type { OpenedLog } from "./open-log.ts"
import type { PortWorld } from "./port.ts"
import type { Retention } from "./retention.ts"

/** What is needed to erase, of a log that is open. */
export function erasingWorld(
  config: Config,
  { own, commits, disclosures }: Pick<OpenedLog, "own" | "commits" | "disclosures">,
): ErasingWorld {
  const { log, portState } = dataDirectories(config)
  return {
    ...{ own, commits, sealed: disclosures.sealed },
    intentFile: join(portState, "erasing.json"),
    openView: () => followLog(log),
  }
}

/** What forgets people, on an operator's word. */
export function openErasures(
  config: Config,
  log: OpenedLog,
  { clock }: PortWorld,
  parts: { readonly retention: Pick<Retention, "undisturbed">; inForce(): InForce },
): Erasures {
  const { origin, pki, access, sealing } = config
  const now = (): number => clock.milliseconds()
  const list = () => parts.inForce().access.list
  const wanted = (): number => list().approvals?.weakening ?? 0
  return new Erasures({
    ...erasingWorld(config, log),
    ...{ errands: log.errands, now, approvalsWanted: wanted },
    values: openDisclosures({ sealed: dataDirectories(config).disclosures, keys: sealing }),
    undisturbed: (act) => parts.retention.undisturbed(act),
    demandApprovals: ({ subject, digestOf }) =>
      countApprovals(
        join(dirname(access), "approvals"),
        {
          wanted: wanted(),
          what: `the erasure of ${subject}`,
          isIt: ({ kind, fields }) =>
            kind === "approve-erasure" &&
            fields.subject === subject &&
            fields.list === digestOf(Number(fields.count)),
        },
        { origin, list: list(), ca: readTextFile(pki.ca), nowMs: now() },
      ),
  })
}
