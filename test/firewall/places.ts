import type { Plan } from "./plan.ts"

export const ports = { write: 17514, read: 17515, ops: 17516 } as const
/** No port of ours: a firewall that closes it has gone too far. */
export const otherPort = 17517

export const clients: Plan["clients"] = ["writer", "reader", "operator", "stranger"].map(
  (name, at) => ({
    name,
    ipv4: `10.77.0.${at + 2}`,
    ipv6: `fd77::${at + 2}`,
  }),
)

/** The port that each may reach. The stranger was a writer until yesterday. */
export const granted: Readonly<Record<string, number>> = {
  writer: ports.write,
  reader: ports.read,
  operator: ports.ops,
}

const grants: Readonly<Record<string, string>> = {
  writer: 'role: writer\n    grant: { adapters: [http], sources: ["*"], actions: ["*"] }',
  reader: "role: reader\n    grant: { see: auditor }",
  operator: "role: operator",
}

/** An access list with the clients at their places, all but one. */
export function accessText(without?: string): string {
  const items = clients.flatMap(({ name, ipv4, ipv6 }) => {
    if (name === without) return []
    const expired = name === "stranger" ? "expires: 2026-01-01\n    " : ""
    return [
      `  - id: spiffe://postern.local/test/${name}
    ${expired}${grants[name] ?? grants.writer}
    from: [{ cidr: ${ipv4}/32 }, { cidr: "${ipv6}/128" }]
`,
    ]
  })
  return `identities:\n${items.join("")}`
}
