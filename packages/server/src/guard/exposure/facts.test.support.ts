import type { PortFacts } from "./machine.ts"
import type { SocketRow } from "./socket-table.ts"

/** A machine on which nothing is in the way. */
export function quietFacts(more: Partial<PortFacts> = {}): PortFacts {
  return {
    ephemeral: { known: [32_768, 61_000] },
    reserved: { known: [] },
    sockets: { known: [] },
    holders: new Map(),
    redirects: { known: [] },
    proxies: [],
    hasIpv6Loopback: true,
    names: new Map(),
    ...more,
  }
}

let inode = 100

/** A listening socket of user 1000. */
export function rowOf(address: string, port: number, more: Partial<SocketRow> = {}): SocketRow {
  inode += 1
  return { protocol: "tcp", address, port, state: "listening", uid: 1000, inode, ...more }
}
