import { isAssigned } from "./assigned-ports.ts"
import type { Result } from "./finding.ts"
import type { PortFacts } from "./machine.ts"
import { holdsPort, type PortRange } from "./redirects.ts"

/** Why a port is good to listen on, or is not. */
export interface Reason {
  readonly check: "assigned" | "ephemeral" | "range" | "taken" | "redirected" | "bind"
  readonly result: Exclude<Result, "warn">
  readonly evidence: string
}

/** Numbers that others give out: a Kubernetes cluster, and anybody (RFC 6335). */
const givenOut: readonly (readonly [string, PortRange])[] = [
  ["Kubernetes gives 30000-32767 to services of type NodePort", [30_000, 32_768]],
  ["49152-65535 are for anybody's temporary use (RFC 6335)", [49_152, 65_536]],
]

/** Whether a number is a good one, whoever listens on it. Pure. */
export function judgeNumber(port: number, facts: PortFacts): Reason[] {
  return [assigned(port, facts), ephemeral(port, facts), inRange(port)]
}

/** Whether nobody has it yet. Pure. */
export function judgeFreedom(port: number, facts: PortFacts): Reason[] {
  return [taken(port, facts), redirected(port, facts)]
}

function assigned(port: number, { names }: PortFacts): Reason {
  const check = "assigned"
  const name = names.get(port)
  if (isAssigned(port)) {
    const whom = name === undefined ? "" : `: ${name}`
    return { check, result: "fail", evidence: `assigned by IANA${whom}` }
  }
  // Somebody may have written down what this installation listens on.
  if (name !== undefined && !name.startsWith("postern"))
    return { check, result: "fail", evidence: `/etc/services calls it ${name}` }
  return { check, result: "ok", evidence: "not assigned by IANA" }
}

function ephemeral(port: number, { ephemeral, reserved }: PortFacts): Reason {
  const check = "ephemeral"
  if ("unknown" in ephemeral) return { check, result: "unknown", evidence: ephemeral.unknown }
  const [from, end] = ephemeral.known
  const range = `${from}-${end - 1}`
  if (port < from || port >= end)
    return { check, result: "ok", evidence: `outgoing connections use ${range}` }
  if ("unknown" in reserved) return { check, result: "unknown", evidence: reserved.unknown }
  return holdsPort(reserved.known, port)
    ? { check, result: "ok", evidence: `in ${range}, but reserved` }
    : { check, result: "fail", evidence: `any outgoing connection may take it (${range})` }
}

function inRange(port: number): Reason {
  const found = givenOut.find(([, range]) => holdsPort([range], port))
  const check = "range"
  if (port < 1024) return { check, result: "fail", evidence: "below 1024 only root may listen" }
  return found === undefined
    ? { check, result: "ok", evidence: "in no range that others give out" }
    : { check, result: "fail", evidence: found[0] }
}

function taken(port: number, { sockets, holders }: PortFacts): Reason {
  const check = "taken"
  if ("unknown" in sockets) return { check, result: "unknown", evidence: sockets.unknown }
  const row = sockets.known.find((one) => one.port === port && one.state !== "closing")
  if (row === undefined) return { check, result: "ok", evidence: "no socket has it" }
  const who = (holders.get(row.inode) ?? []).map(({ pid, command }) => `${command} (${pid})`)
  const by = who.length === 0 ? `uid ${row.uid}` : who.join(", ")
  return { check, result: "fail", evidence: `${row.protocol} ${row.address}, ${by}` }
}

export function redirected(port: number, { redirects }: PortFacts): Reason {
  const check = "redirected"
  if ("unknown" in redirects) return { check, result: "unknown", evidence: redirects.unknown }
  const sure = redirects.known.find(({ ports }) => ports !== undefined && holdsPort(ports, port))
  if (sure !== undefined) return { check, result: "fail", evidence: sure.rule }
  const any = redirects.known.find(({ ports }) => ports === undefined)
  return any === undefined
    ? { check, result: "ok", evidence: "no rule of this machine redirects it" }
    : { check, result: "unknown", evidence: `a rule that names no port: ${any.rule}` }
}
