/** Ports, half-open: 80 is [80, 81). */
export type PortRange = readonly [number, number]

/** A rule that sends what comes for these ports elsewhere. */
export interface Redirect {
  /** Undefined if the rule does not say, or not in a way that is understood here. */
  readonly ports: readonly PortRange[] | undefined
  /** Where it sends it, as far as the rule says so by itself. */
  readonly to?: Destination
  /** The rule, for people. */
  readonly rule: string
}

/** Undefined is what stays as it was, or is not understood here. */
export interface Destination {
  readonly address?: string
  readonly ports?: readonly PortRange[]
}

/** A rule of a packet filter, as far as redirections go. */
export interface FilterRule {
  /** TCP destination ports that it matches; undefined if it matches any, or that is not known. */
  readonly ports: readonly PortRange[] | undefined
  readonly action:
    | { readonly kind: "redirect"; readonly to?: Destination }
    | { readonly kind: "jump"; readonly to: string }
  readonly rule: string
}

/** Rules by chain, and the chains where packets begin. */
export interface FilterRules {
  readonly chains: ReadonlyMap<string, readonly FilterRule[]>
  readonly begin: readonly string[]
}

const depthMax = 32

/**
 * Every redirection that a packet can come to, with the ports that it must have for it: what jumps on the way ask
 * for counts too. Pure.
 */
export function redirectsOf({ chains, begin }: FilterRules): Redirect[] {
  const found = new Map<string, Redirect>()
  const seen = new Set<string>()
  const walk = (chain: string, within: Redirect["ports"], depth: number): void => {
    const place = `${chain} ${JSON.stringify(within)}`
    if (depth > depthMax || seen.has(place)) return
    seen.add(place)
    for (const { ports, action, rule } of chains.get(chain) ?? []) {
      const both = intersect(within, ports)
      if (both?.length === 0) continue
      if (action.kind === "jump") walk(action.to, both, depth + 1)
      else {
        const to = action.to && { to: action.to }
        found.set(`${rule} ${JSON.stringify(both)}`, { ports: both, ...to, rule })
      }
    }
  }
  for (const chain of begin) walk(chain, undefined, 0)
  return [...found.values()]
}

function intersect(a: Redirect["ports"], b: Redirect["ports"]): Redirect["ports"] {
  if (a === undefined) return b
  if (b === undefined) return a
  return a.flatMap(([from, end]) =>
    b
      .map(([otherFrom, otherEnd]) => [Math.max(from, otherFrom), Math.min(end, otherEnd)] as const)
      .filter(([first, last]) => first < last),
  )
}

export function holdsPort(ports: readonly PortRange[], port: number): boolean {
  return ports.some(([from, end]) => from <= port && port < end)
}
