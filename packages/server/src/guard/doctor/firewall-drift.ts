import { parseAccess } from "../../access/index.ts"
import { type Config, dataDirectories, readTextFile, scopeOf } from "../../config/index.ts"
import type { Finding } from "../exposure/index.ts"
import {
  type AppliedRules,
  type Drift,
  dialects,
  digestOfRules,
  driftOf,
  liveFirewalls,
  makeModel,
  processUsers,
  readApplied,
  render,
} from "../firewall/index.ts"

/**
 * Whether rules of ours are in the kernel, are those that were applied, and are what the access list says now (docs/operating/firewall.md).
 * Takes the right to list rules (CAP_NET_ADMIN) and no other.
 */
export async function examineFirewall(config: Config, now: Date): Promise<Finding[]> {
  const about = { id: "firewall.drift", subject: "this machine", severity: "high" } as const
  const { write, read, syslog = [] } = config.listen
  const addresses = [...write, ...read, ...syslog].map(({ host }) => host)
  if (addresses.every((host) => scopeOf(host) === "loopback")) {
    const evidence = "every port is on loopback only: no rule is needed"
    return [{ ...about, result: "ok", evidence, fix: "" }]
  }
  for (const live of liveFirewalls) {
    const present = await live.present()
    if (present.contents.length === 0) continue
    const applied = readApplied(dataDirectories(config).appliedRules)
    const fix = `postern firewall apply ${live.dialect}`
    if (applied?.dialect !== live.dialect) {
      const evidence = `${live.dialect}: there are rules, and nothing was written down to compare them with`
      return [{ ...about, result: "unknown", evidence, fix }]
    }
    const said = [
      ...(digestNow(config, applied, now) === applied.digest ? [] : [older]),
      ...difference(driftOf(present, { ...applied, saved: "" })),
    ]
    if (said.length > 0) {
      const evidence = `${live.dialect}: ${said.join("; ")}`
      return [{ ...about, result: "fail", evidence, fix }]
    }
    const evidence = `${live.dialect}: the rules are those that were applied, and what the access list says`
    return [{ ...about, result: "ok", evidence, fix: "" }]
  }
  const evidence = "no rules of ours in the kernel; another firewall cannot be judged from here"
  return [{ ...about, result: "fail", evidence, fix: "docs/operating/firewall.md" }]
}

const older = "the applied rules are of an older configuration: the access list says others now"

/** Of the rules that the access list and the configuration make now. */
function digestNow(config: Config, { dialect, uid }: AppliedRules, now: Date): string {
  const words = dialects.find(({ name }) => name === dialect)
  if (words === undefined) throw new Error("invariant broken: a live firewall has a dialect")
  const access = parseAccess(readTextFile(config.access))
  const users = uid === undefined ? processUsers(config) : [uid]
  return digestOfRules(render(words, makeModel(access, config.listen, now.getTime(), users)).text)
}

function difference(drift: Drift | undefined): string[] {
  if (drift === undefined) return []
  return [`${drift.missing.length} rules missing, ${drift.foreign.length} that should not be`]
}
