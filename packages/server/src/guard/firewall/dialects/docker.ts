import { stringify } from "yaml"
import type { Dialect } from "./dialect.ts"

/**
 * Docker does not ask where a connection comes from. So nothing is published but on loopback, and containers of the
 * same host meet the port on a network of their own that leads nowhere else. Places are said to the host's firewall.
 */
export const docker: Dialect = {
  name: "docker",
  summary: "docker compose: merge into the file that runs the port",
  says: () => false,
  body(openings) {
    const ports = openings.flatMap((opening) => opening.ports)
    return stringify({
      services: {
        postern: {
          networks: ["default", "postern"],
          ports: ports.map((port) => `127.0.0.1:${port}:${port}`),
        },
      },
      networks: { postern: { internal: true } },
    })
  },
}
