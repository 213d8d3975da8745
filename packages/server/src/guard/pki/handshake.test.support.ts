import type { X509Certificate } from "node:crypto"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { connect, createServer, type TLSSocket } from "node:tls"
import type { KeyPair } from "./index.ts"

/** What the server side of one real TLS handshake saw of its client. */
export interface SeenPeer {
  /** Why TLS would have refused the client; null if it would not. */
  readonly authorizationError: string | null
  readonly protocol: string | null
  readonly peer: X509Certificate
}

/**
 * For tests: one handshake over loopback in which the server asks for a certificate and judges
 * nothing itself.
 */
export async function handshake(parties: {
  readonly server: KeyPair
  readonly client: KeyPair
  readonly ca: string
}): Promise<SeenPeer> {
  const { server, client, ca } = parties
  const front = createServer({
    ca,
    cert: server.certificate,
    key: server.key,
    minVersion: "TLSv1.3",
    requestCert: true,
    rejectUnauthorized: false,
  })
  front.listen(0, "127.0.0.1")
  await once(front, "listening")
  const accepted = once(front, "secureConnection")
  const { port } = front.address() as AddressInfo
  const ours = connect({
    host: "127.0.0.1",
    port,
    ca,
    cert: client.certificate,
    key: client.key,
    checkServerIdentity: () => undefined, // The server's side is what is looked at here.
  })
  // A client that gives up would leave the wait below without end.
  ours.on("error", (error) => front.emit("error", error))
  try {
    const [socket] = (await accepted) as [TLSSocket]
    socket.on("error", () => socket.destroy())
    const peer = socket.getPeerX509Certificate()
    if (peer === undefined) throw new Error("the client showed no certificate")
    const error = socket.authorized ? null : String(socket.authorizationError)
    const seen = { authorizationError: error, protocol: socket.getProtocol(), peer }
    socket.destroy()
    return seen
  } finally {
    ours.destroy()
    front.close()
  }
}
