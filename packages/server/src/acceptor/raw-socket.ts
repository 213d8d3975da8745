import { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { assert } from "@postern/log/base"

/**
 * The raw socket under a TLS socket. Node has no public name for it, and nothing else tells apart
 * two connections of which one has already been reset; a Node without it is noticed at the first
 * handshake.
 */
export function rawOf(socket: TLSSocket): Socket {
  const { _parent: raw } = socket as TLSSocket & { readonly _parent?: Socket | null }
  assert(raw instanceof Socket, "a TLS socket on the server stands on a raw one")
  return raw
}

/**
 * Ends our side as TCP does it, without a close_notify: there are senders that look for the end of the connection before each
 * message, but beneath TLS, where a record that they have not read hides it. The other side can still be read to its end.
 */
export function endOurSide(socket: TLSSocket): void {
  rawOf(socket).end()
}

/**
 * Ends a connection so that its other side knows at once, and loses nothing that it writes from then on: after an end that is not
 * read, its first write would still succeed.
 */
export function resetConnection(socket: TLSSocket): void {
  rawOf(socket).resetAndDestroy()
  socket.destroy()
}
