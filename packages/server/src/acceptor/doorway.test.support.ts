import { connect as connectRaw, type Socket } from "node:net"
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls"
import { createAuthority, issueCertificate, type KeyPair } from "../guard/pki/index.ts"
import type { Acceptor, AcceptorOptions, Peer, Refusal, TlsMaterial } from "./api.ts"
import { openAcceptor } from "./index.ts"

export const writerId = "spiffe://postern.test/writer/app"

/** A CA, a server certificate and a writer's certificate, all good. */
export async function createPki() {
  const now = new Date()
  const authority = await createAuthority({ trustDomain: "postern.test", now })
  const issue = (id: string, usage: "client" | "server") =>
    issueCertificate({ authority, id, usage, now })
  const server = await issue("spiffe://postern.test/server", "server")
  const writer = await issue(writerId, "client")
  const tls: TlsMaterial = { ...server, ca: authority.certificate }
  return { authority, issue, tls, writer }
}

export type Pki = Awaited<ReturnType<typeof createPki>>

/** What an acceptor reported, to be awaited one by one. */
class Reports<T> {
  readonly #reports: T[] = []
  #wake: (() => void) | undefined

  add(report: T): void {
    this.#reports.push(report)
    this.#wake?.()
  }

  async next(): Promise<T> {
    for (;;) {
      const report = this.#reports.shift()
      if (report !== undefined) return report
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Reported and not asked for. */
  get waiting(): number {
    return this.#reports.length
  }
}

/** An acceptor on a port of its own, with what it lets in and keeps out. */
export async function openDoorway(pki: Pki, options: Partial<AcceptorOptions> = {}) {
  const refusals = new Reports<Refusal>()
  const peers = new Reports<{ socket: TLSSocket; peer: Peer }>()
  const acceptor: Acceptor = openAcceptor({
    tls: pki.tls,
    protocols: ["postern/1", "http/1.1"],
    admit: () => undefined,
    onPeer: (socket, peer) => peers.add({ socket, peer }),
    onRefused: (refusal) => refusals.add(refusal),
    ...options,
  })
  const bound = await acceptor.listen({ host: "127.0.0.1", port: 0 })
  const port = Number(bound.split(":").at(-1))
  const clients: Socket[] = []

  /** A TLS client; its errors are expected. */
  const dial = (identity: KeyPair | undefined, more: ConnectionOptions = {}): TLSSocket => {
    const socket = connectTls({
      host: "127.0.0.1",
      port,
      ca: pki.authority.certificate,
      ALPNProtocols: ["postern/1"],
      checkServerIdentity: () => undefined,
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
      ...more,
    })
    socket.on("error", () => undefined)
    clients.push(socket)
    return socket
  }
  const dialRaw = (): Socket => {
    const socket = connectRaw({ host: "127.0.0.1", port })
    socket.on("error", () => undefined)
    clients.push(socket)
    return socket
  }
  /** A good client, let in on both sides. */
  const enter = async (identity: KeyPair, more: ConnectionOptions = {}) => {
    const client = dial(identity, more)
    const entered = await peers.next()
    return { client, ...entered }
  }
  const close = async () => {
    for (const client of clients) client.destroy()
    await acceptor.close()
  }
  return { acceptor, bound, port, refusals, peers, dial, dialRaw, enter, close }
}

/** Resolves once the socket is closed, by an error or not, also if it is already. */
export function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve()
  return new Promise((resolve) => socket.once("close", () => resolve()))
}
