import { formatCidr } from "../../../access/index.ts"
import type { Dialect } from "./dialect.ts"

/**
 * The first rule that matches decides, and ufw leaves a rule where it is that it has already: so the ports are closed
 * first, then the openings of an earlier run go, then those of this one are put before all others.
 */
export const ufw: Dialect = {
  name: "ufw",
  summary: "ufw: a shell script",
  firstLine: "#!/bin/sh",
  says: ({ cidr }) => cidr !== undefined,
  body(openings) {
    const ports = openings.flatMap((opening) => opening.ports)
    const closed = ports.map((port) => `first deny proto tcp to any port ${port}\n`)
    const opened = openings.flatMap(({ ports, cidrs }) =>
      ports.flatMap((port) =>
        cidrs.map((cidr) => `first allow proto tcp from ${formatCidr(cidr)} to any port ${port}\n`),
      ),
    )
    return `set -eu
first() { ufw prepend "$@" comment ${mark}; }
${closed.join("")}ufw show added | sed -n "s/^ufw \\(allow .*\\) comment '${mark}'$/\\1/p" | while read -r rule; do
  ufw delete $rule
done
${opened.join("")}`
  },
}

const mark = "postern"
