import { join } from "node:path"
import { type Config, dataDirectories } from "../config/index.ts"
import { readSegmentAges } from "../disk/index.ts"
import { retentionRule } from "../policy/rules/index.ts"
import { dueTo } from "../retention/index.ts"
import type { OpenedLog } from "./open-log.ts"
import type { PortWorld } from "./port.ts"
import { Retention, type RetentionWorld } from "./retention.ts"

/** What lets go of what is due, and remembers what must not go. From here on sealed segments that stay are compressed. Errors: as Retention. */
export function openRetention(
  config: Config,
  { store, own, commits, disclosures, keeper }: OpenedLog,
  { clock }: PortWorld,
  rule: Pick<RetentionWorld, "policy" | "isClockWrong">,
): Retention {
  const { portState, disclosures: sealed } = dataDirectories(config)
  const bodies = { sealed, keys: config.sealing }
  const holdsFile = join(portState, "holds.json")
  keeper.begin(async () => {
    const kept = retentionRule(rule.policy().retention)
    const ages = kept === undefined ? [] : await readSegmentAges(store.directory.path)
    return kept === undefined ? 0 : dueTo(ages, kept, clock.microseconds())
  })
  return new Retention({
    store,
    own,
    commits,
    clock,
    sealed: disclosures.sealed,
    bodies,
    holdsFile,
    ...rule,
  })
}
