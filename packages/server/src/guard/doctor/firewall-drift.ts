import { statSync } from "node:fs"
import { parseAccess } from "../../access/index.ts"
import { type Config, readTextFile, scopeOf } from "../../config/index.ts"
import type { Finding } from "../exposure/index.ts"
import { dialects, driftOf, liveFirewalls, makeModel, render } from "../firewall/index.ts"

/** Whether rules of ours are in the kernel, and are what the access list says (docs/operating/firewall.md). */
export async function examineFirewall(config: Config, now: Date): Promise<Finding[]> {
  const about = { id: "firewall.drift", subject: "this machine", severity: "high" } as const
  const addresses = [...config.listen.write, ...config.listen.read].map(({ host }) => host)
  if (addresses.every((host) => scopeOf(host) === "loopback")) {
    const evidence = "write and read port are on loopback only: no rule is needed"
    return [{ ...about, result: "ok", evidence, fix: "" }]
  }
  const access = parseAccess(readTextFile(config.access))
  const uid = statSync(config.data).uid
  const model = makeModel(access, config.listen, now.getTime(), uid)
  for (const live of liveFirewalls) {
    const present = await live.present()
    if (present.contents.length === 0) continue
    const dialect = dialects.find(({ name }) => name === live.dialect)
    if (dialect === undefined) continue
    const intended = await live.intended(render(dialect, model).text)
    const drift = driftOf(present, intended)
    if (drift === undefined) {
      const evidence = `${live.dialect}: the rules are what the access list says`
      return [{ ...about, result: "ok", evidence, fix: "" }]
    }
    const { missing, foreign } = drift
    const evidence = `${live.dialect}: ${missing.length} rules missing, ${foreign.length} that should not be`
    return [{ ...about, result: "fail", evidence, fix: `postern firewall apply ${live.dialect}` }]
  }
  const evidence = "no rules of ours in the kernel; another firewall cannot be judged from here"
  return [{ ...about, result: "fail", evidence, fix: "docs/operating/firewall.md" }]
}
