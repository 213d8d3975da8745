import type { Destination, FilterRule, FilterRules, PortRange } from "./redirects.ts"

/** Targets that send a packet elsewhere. */
const redirecting = new Set(["DNAT", "REDIRECT", "TPROXY", "NETMAP"])
const builtIn = ["PREROUTING", "OUTPUT"]

/** What `iptables-save` or `ip6tables-save` prints, all tables. Pure. */
export function parseIptablesSave(text: string): FilterRules {
  const chains = new Map<string, FilterRule[]>()
  const begin = new Set<string>()
  let table = ""
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1)
    const match = /^-A (\S+) (.*)$/.exec(line)
    if (match === null) continue
    const [, name = "", rest = ""] = match
    const chain = `${table} ${name}`
    if (builtIn.includes(name)) begin.add(chain)
    const rule = parseRule(table, rest, line)
    if (rule !== undefined) chains.set(chain, [...(chains.get(chain) ?? []), rule])
  }
  return { chains, begin: [...begin] }
}

/** Undefined for a rule that does nothing of interest, or not to TCP. */
function parseRule(table: string, rest: string, rule: string): FilterRule | undefined {
  const [, isNot, protocol] = /(?:^| )(! )?-p (\S+)/.exec(rest) ?? []
  if (isNot === undefined && protocol !== undefined && !["tcp", "6", "all"].includes(protocol))
    return undefined
  const target = / ?-[jg] (\S+)/.exec(rest)?.[1]
  if (target === undefined) return undefined
  const ports = portsOf(rest)
  if (redirecting.has(target))
    return { ports, action: { kind: "redirect", to: destinationOf(rest) }, rule }
  // A target without a chain of that name leads nowhere.
  return { ports, action: { kind: "jump", to: `${table} ${target}` }, rule }
}

/** Of `--dport 80`, `--dport 80:90` and `--dports 80,90:99`; a negation says too little. */
function portsOf(rest: string): readonly PortRange[] | undefined {
  const match = /(! )?--(?:dports?|destination-ports?) ([0-9:,]+)/.exec(rest)
  if (match === null || match[1] !== undefined) return undefined
  return (match[2] as string).split(",").map((text): PortRange => {
    const [from = "", last = from] = text.split(":")
    return [Number(from), (last === "" ? 65_535 : Number(last)) + 1]
  })
}

/** `--to-destination 10.0.0.1:80`, `[fd00::1]:80-90`; `--to-ports 80`; `--on-ip`, `--on-port` of TPROXY. */
function destinationOf(rest: string): Destination {
  const to = / --to-destination (\S+)/.exec(rest)?.[1] ?? ""
  const [, six, four, behind] = /^(?:\[([^\]]+)\]|([^:]+|.*:.*:.*?))(?::([\d-]+))?$/.exec(to) ?? []
  const number = behind ?? / --(?:to-ports?|on-port) ([\d-]+)/.exec(rest)?.[1]
  const address = six ?? four ?? / --on-ip (\S+)/.exec(rest)?.[1]
  return { ...(address && { address }), ...(number && { ports: [rangeOf(number)] }) }
}

function rangeOf(text: string): PortRange {
  const [from = "", last = from] = text.split("-")
  return [Number(from), Number(last) + 1]
}
