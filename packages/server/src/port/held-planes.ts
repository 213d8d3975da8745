import { type HeldAddress, heldAddresses, tellHeldSockets } from "../acceptor/index.ts"
import { type Config, dataDirectories } from "../config/index.ts"
import type { Tell } from "./port.ts"

/** The addresses of the port's planes, those of passed sockets told to whoever asks who serves them. Errors: CONFIG_INVALID. */
export function heldPlanes(
  config: Config,
  tell: Tell,
): Readonly<Record<"write" | "ops" | "syslog", readonly HeldAddress[]>> {
  const write = heldAddresses("write", config.listen.write)
  const ops = heldAddresses("ops", config.listen.ops)
  const syslog = heldAddresses("syslog", config.listen.syslog ?? [])
  tellHeldSockets(dataDirectories(config).portSockets, [...write, ...ops, ...syslog], (error) =>
    tell("warn", "which sockets it serves is not told", { error: String(error) }),
  )
  return { write, ops, syslog }
}
