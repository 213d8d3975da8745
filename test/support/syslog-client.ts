import { once } from "node:events"
import { connect as connectTcp, type Socket } from "node:net"
import { connect, type TLSSocket } from "node:tls"
import type { Identity } from "./installation.ts"
import type { Place } from "./port-process.ts"

/** `LENGTH MESSAGE`, as RFC 5425 has it. */
export function counted(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`
}

export const hello = "<38>1 2026-11-23T08:00:00Z host sshd 7 - - "

const raws = new WeakMap<TLSSocket, Socket>()

/** Ends a connection without a goodbye, and takes back what is on its way. */
export function reset(socket: TLSSocket): void {
  raws.get(socket)?.resetAndDestroy()
}

/** A connection as a syslog sender makes it: TLS with a certificate, no ALPN. */
export async function dialSyslog(
  place: Place,
  ca: string,
  { certificate: cert, key }: Pick<Identity, "certificate" | "key">,
  more: { readonly ALPNProtocols?: string[]; readonly allowHalfOpen?: boolean } = {},
): Promise<TLSSocket> {
  const raw = connectTcp({ ...place, noDelay: true })
  const checkServerIdentity = (): undefined => undefined
  const socket = connect({ socket: raw, ca, cert, key, checkServerIdentity, ...more })
  raws.set(socket, raw)
  await Promise.race([
    once(socket, "secureConnect"),
    once(socket, "error").then(([error]) => Promise.reject(error)),
  ])
  socket.on("error", () => undefined) // Its close is what counts.
  return socket
}
