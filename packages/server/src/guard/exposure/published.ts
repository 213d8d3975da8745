import type { Result } from "./finding.ts"
import type { PortFacts } from "./machine.ts"
import { holdsPort, type Redirect } from "./redirects.ts"

/**
 * Whether another port of this machine leads to this one: by a rule of a packet filter (a published port of Docker, a NodePort), or by
 * Docker's userland proxy. Pure.
 */
export function published(
  at: { readonly address: string; readonly port: number },
  { redirects, proxies }: Pick<PortFacts, "redirects" | "proxies">,
): { readonly result: Result; readonly evidence: string } {
  const proxy = proxies.find((one) => one.port === at.port && isHere(one.address, at.address))
  if (proxy !== undefined) {
    const evidence = `docker-proxy (process ${proxy.pid}) passes port ${proxy.hostPort} on to it`
    return { result: "fail", evidence }
  }
  if ("unknown" in redirects) return { result: "unknown", evidence: redirects.unknown }
  const rule = redirects.known.find((one) => leadsTo(one, at))
  return rule === undefined
    ? {
        result: "ok",
        evidence: "no rule and no proxy that is known of leads to it from another port",
      }
    : { result: "fail", evidence: rule.rule }
}

/** What keeps the number and sends it elsewhere is redirected, not published. */
function leadsTo(
  { to, ports }: Redirect,
  { address, port }: { readonly address: string; readonly port: number },
): boolean {
  if (to?.ports === undefined || !holdsPort(to.ports, port)) return false
  const isSame = ports !== undefined && holdsPort(ports, port)
  return !isSame && (to.address === undefined || isHere(to.address, address))
}

/** Whether what goes to an address comes to who listens on another. */
function isHere(to: string, listening: string): boolean {
  return to === listening || listening === "0.0.0.0" || listening === "::"
}
