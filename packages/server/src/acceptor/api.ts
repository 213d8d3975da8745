import type { TLSSocket } from "node:tls"
import type { ErrorCode } from "@postern/log/base"
import type { ExposedScope } from "../config/index.ts"

/**
 * Facts about an authenticated peer, taken once when the handshake ended: TLS getters are never
 * called later.
 */
export interface Peer {
  /** SPIFFE ID from the certificate's one URI SAN. */
  readonly id: string
  /** SHA-256 of the certificate (DER), lower-case hex. */
  readonly certificate: string
  /** The certificate itself, DER. Always there on a connection that the acceptor hands over. */
  readonly shown?: Uint8Array | undefined
  /**
   * Base64 of the certificate's SubjectPublicKeyInfo; undefined if it is of a kind that signs no
   * stream (docs/spec/evidence.md).
   */
  readonly publicKey?: string | undefined
  /** SHA-256 of the certificate's SubjectPublicKeyInfo (DER), lower-case hex. */
  readonly key: string
  readonly serial: string
  readonly notAfter: Date
  /** SHA-256 of the trusted CA's certificate that issued it; undefined if others stand in between. */
  readonly authority?: string | undefined
  /** Remote address and port, as text. */
  readonly from: string
  /** Negotiated ALPN protocol; if the peer offered none, what its address speaks, else "http/1.1". */
  readonly protocol: string
}

/** Somebody who did not get in. `detail` is bounded and printable. */
export interface Refusal {
  readonly code: ErrorCode
  readonly detail: string
  readonly from: string
  /**
   * Known only if a certificate was shown and could be read; claimed, not proven, unless the code
   * is NOT_GRANTED.
   */
  readonly id?: string
}

export interface TlsMaterial {
  /** PEM. */
  readonly key: string
  readonly certificate: string
  readonly ca: string
}

/**
 * Host (a name or a numeric address) and port, 0 for any free one; or the path of a unix socket.
 */
export type Address =
  | {
      readonly host: string
      readonly port: number
      /** Without it, a wildcard or public address is refused. */
      readonly allow?: readonly ExposedScope[]
      /** A socket bound to it that somebody else holds too, such as a service manager. */
      readonly fd?: number
      /** All that is spoken there, by peers that offer no ALPN; without it, what AcceptorOptions says. */
      readonly speaks?: string
    }
  | { readonly path: string }

export interface AcceptorOptions {
  readonly tls: TlsMaterial
  /**
   * ALPN protocols spoken here, most wanted first. A peer that offers none speaks http/1.1, if that
   * is among them.
   */
  readonly protocols: readonly string[]
  /** The access decision; undefined admits. Called after certificate and ALPN are found good. */
  admit(peer: Peer): ErrorCode | undefined
  onPeer(socket: TLSSocket, peer: Peer): void
  onRefused(refusal: Refusal): void
  /**
   * Connections in all / of one identity. Beyond: CONNECTION_LIMIT. Defaults 1024 / 128. Fewer in
   * all, handshakes included, where the system lets the process open fewer files (open-files.ts).
   */
  readonly connectionsMax?: number
  readonly connectionsPerIdentityMax?: number
  /**
   * Handshakes under way in all; half as many from one remote address (IPv6: one /64 network).
   * Beyond: CONNECTION_LIMIT. Default 512.
   */
  readonly handshakesMax?: number
  /** Handshakes that one such address may begin in a second. Beyond: CONNECTION_LIMIT. Default 256. */
  readonly handshakesPerSecondMax?: number
  /** For the whole handshake, however the bytes trickle in. Default 5000. */
  readonly handshakeTimeoutMs?: number
}

export interface Acceptor {
  /**
   * Listens on one more address. Resolves with what is really bound, `host:port` or the path. The
   * directory of a socket path must exist, belong to this user and be 0700 or 0750, since Node
   * cannot ask who is at the other end. Errors ADDRESS_IN_USE, BIND_REFUSED (wildcard or public, and
   * not allowed), CONFIG_INVALID (cannot be bound).
   */
  listen(address: Address): Promise<string>
  /**
   * New connections use the new material; live ones stay. The old one stays in force if this throws
   * (CONFIG_INVALID).
   */
  setTls(tls: TlsMaterial): void
  /** Destroys every connection whose peer no longer passes `admit`. Returns how many. */
  reconsider(): number
  /** Live connections. */
  count(): number
  /** Who is at their other ends. */
  peers(): Iterable<Peer>
  /** Stops accepting; live connections stay, unfinished handshakes are cut off (SHUTTING_DOWN). */
  stop(): void
  /** Stops and destroys every connection. */
  close(): Promise<void>
}
