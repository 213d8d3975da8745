import type { Destination, FilterRule, FilterRules, PortRange } from "./redirects.ts"

type Json = Readonly<Record<string, unknown>>

/**
 * What `nft -j list ruleset` prints (libnftables-json(5)). Rules of iptables-nft show their targets as `xt` only:
 * those are for iptables-save to tell. Pure; whatever has another form says nothing.
 */
export function parseNftRuleset(value: unknown): FilterRules & { readonly hasForeign: boolean } {
  const items = listOf(objectOf(value).nftables).map(objectOf)
  const sets = new Map<string, readonly PortRange[] | undefined>()
  for (const { set } of items) {
    const { family, table, name, elem } = objectOf(set)
    if (set !== undefined) sets.set(`${family} ${table} ${name}`, rangesOf(elem))
  }
  const chains = new Map<string, FilterRule[]>()
  const begin: string[] = []
  let hasForeign = false
  for (const { chain, rule } of items) {
    const { family, table, name, hook } = objectOf(chain)
    if (hook === "prerouting" || hook === "output") begin.push(`${family} ${table} ${name}`)
    if (rule === undefined) continue
    const { chain: within, expr, ...of } = objectOf(rule)
    const place = `${of.family} ${of.table}`
    const steps = listOf(expr).map(objectOf)
    hasForeign ||= steps.some(({ xt }) => objectOf(xt).type === "target")
    const key = `${place} ${within}`
    chains.set(key, [...(chains.get(key) ?? []), ...rulesOf(steps, place, key, sets)])
  }
  return { chains, begin, hasForeign }
}

function rulesOf(
  steps: readonly Json[],
  place: string,
  chain: string,
  sets: ReadonlyMap<string, readonly PortRange[] | undefined>,
): FilterRule[] {
  const matches = steps.flatMap(({ match }) => (match === undefined ? [] : [objectOf(match)]))
  if (matches.some((match) => isOfOther(match))) return []
  const port = matches.find(({ left, op }) => isPort(left) && op !== "!=")
  const { right } = port ?? {}
  const ports =
    typeof right === "string" && right.startsWith("@")
      ? sets.get(`${place} ${right.slice(1)}`)
      : rangesOf(right)
  return steps.flatMap((step): FilterRule[] => {
    const rule = `${chain}: ${JSON.stringify(step)}`.slice(0, 200)
    const how = ["dnat", "redirect", "tproxy"].find((name) => name in step)
    if (how !== undefined)
      return [{ ports, action: { kind: "redirect", to: destinationOf(step[how]) }, rule }]
    return [step.jump, step.goto, ...verdictsOf(step.vmap)].flatMap((verdict): FilterRule[] => {
      const { target } = objectOf(verdict)
      if (typeof target !== "string") return []
      return [{ ports, action: { kind: "jump", to: `${place} ${target}` }, rule }]
    })
  })
}

function destinationOf(sent: unknown): Destination {
  const { addr, port } = objectOf(sent)
  const ports = rangesOf(port)
  return { ...(typeof addr === "string" && { address: addr }), ...(ports && { ports }) }
}

/** Chains that a verdict map leads to, whatever its keys ask for. */
function verdictsOf(vmap: unknown): unknown[] {
  const { set } = objectOf(objectOf(vmap).data)
  return listOf(set).flatMap((pair) => {
    const { jump, goto } = objectOf(listOf(pair)[1])
    return [jump, goto]
  })
}

function isPort(left: unknown): boolean {
  return objectOf(objectOf(left).payload).field === "dport"
}

/** Matches another transport than TCP. */
function isOfOther({ left, op, right }: Json): boolean {
  const { protocol, field } = objectOf(objectOf(left).payload)
  if (field === "dport") return protocol !== "tcp" && protocol !== "th"
  const isProtocol = field === "protocol" || objectOf(objectOf(left).meta).key === "l4proto"
  return isProtocol && op === "==" && typeof right === "string" && right !== "tcp"
}

/** Undefined if anything in it is no number. */
function rangesOf(value: unknown): readonly PortRange[] | undefined {
  if (typeof value === "number") return [[value, value + 1]]
  const { range, set, elem } = objectOf(value)
  if (Array.isArray(range)) return [[Number(range[0]), Number(range[1]) + 1]]
  if (elem !== undefined) return rangesOf(objectOf(elem).val)
  const members = Array.isArray(value) ? value : set
  if (!Array.isArray(members)) return undefined
  const ranges = members.map(rangesOf)
  return ranges.some((one) => one === undefined) ? undefined : ranges.flatMap((one) => one ?? [])
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {}
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
