import { formatCidr } from "../../../access/index.ts"
import type { Dialect } from "./dialect.ts"
import { exempt } from "./exempt.ts"

export const table = "raw"
export const chain = "POSTERN"

/**
 * One file for both families: lines with -4 or -6 are for one of them. In the table raw, which comes before address
 * translation and connection tracking: a published container port is no way around, and no rule for established
 * connections comes first, so that whoever is taken out of the list is cut at once. RETURN, never ACCEPT: the host's
 * other rules are asked as well. Loopback is judged on its way out, where the sender's user is known.
 */
export const iptables: Dialect = {
  name: "iptables",
  summary: "iptables-restore --noflush and ip6tables-restore --noflush, the same file for both",
  says: ({ cidr }) => cidr !== undefined,
  body(openings, model) {
    const lines = openings.flatMap(({ ports, cidrs }) =>
      ports.flatMap((port) => {
        const judge = `-p tcp -m tcp --dport ${port}`
        return [
          ...cidrs.map(
            (cidr) => `-A ${chain} -${cidr.family} -s ${formatCidr(cidr)} ${judge} -j RETURN`,
          ),
          `-A ${chain} ${judge} -j DROP`,
        ]
      }),
    )
    const others = exempt(model, "iptables").map((uid) => `-m owner ! --uid-owner ${uid}`)
    return `*${table}
:${chain} - [0:0]
${lines.map((line) => `${line}\n`).join("")}-I PREROUTING 1 ! -i lo -m addrtype --dst-type LOCAL -j ${chain}
-I OUTPUT 1 -o lo ${others.join(" ")} -j ${chain}
COMMIT
`
  },
}
