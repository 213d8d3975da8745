import { formatCidr } from "../../../access/index.ts"
import type { Dialect } from "./dialect.ts"
import { exempt } from "./exempt.ts"

/** Owned by us as a whole; nothing of the host's other tables is read or changed. */
export const table = "inet postern"

/**
 * Judged before any address translation (prerouting, before dstnat), so that a published container port is no way
 * around, in both families, and packet by packet: no shortcut for established connections, so that whoever is taken
 * out of the list is cut at once. Loopback is judged on its way out, where the sender's user is known. The sets are
 * flushed and filled in one transaction; the counter is not touched by loading again.
 */
export const nftables: Dialect = {
  name: "nftables",
  summary: "nft -f",
  says: ({ cidr }) => cidr !== undefined,
  body(openings, model) {
    const ports = openings.flatMap((opening) => opening.ports).sort((a, b) => a - b)
    const open = (family: 4 | 6): string[] =>
      openings.flatMap(({ cidrs, ports }) =>
        cidrs
          .filter((cidr) => cidr.family === family)
          .flatMap((cidr) => ports.map((port) => `${formatCidr(cidr)} . ${port}`)),
      )
    return `add table ${table}
${sets.map(([name, type]) => `add set ${table} ${name} { ${type} }\n`).join("")}flush table ${table}
${sets.map(([name]) => `flush set ${table} ${name}\n`).join("")}table ${table} {
  counter refused {
  }
${set("ports", ports.map(String))}
${set("open4", open(4))}
${set("open6", open(6))}
  chain outside {
    type filter hook prerouting priority -110; policy accept;
    iifname "lo" return
    fib daddr type local tcp dport @ports jump judge
  }
  chain inside {
    type filter hook output priority -110; policy accept;
    oifname "lo" tcp dport @ports meta skuid != { ${exempt(model, "nftables").join(", ")} } jump judge
  }
  chain judge {
    ip saddr . tcp dport @open4 return
    ip6 saddr . tcp dport @open6 return
    counter name "refused" drop
  }
}
`
  },
}

const sets = [
  ["ports", "type inet_service;"],
  ["open4", "type ipv4_addr . inet_service; flags interval;"],
  ["open6", "type ipv6_addr . inet_service; flags interval;"],
] as const

/** nft takes no empty list of elements. */
function set(name: (typeof sets)[number][0], elements: readonly string[]): string {
  const type = sets
    .find((one) => one[0] === name)?.[1]
    .split("; ")
    .join("\n    ")
    .replaceAll(";", "")
  const filled =
    elements.length === 0 ? "" : `\n    elements = {\n      ${elements.join(",\n      ")}\n    }`
  return `  set ${name} {\n    ${type}${filled}\n  }`
}
