import { hash, X509Certificate } from "node:crypto"
import { createServer as createTcpServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls"
import { assert, type ErrorCode, isPosternError } from "@postern/log/base"
import { spiffeIdOf } from "../access/index.ts"
import type { Acceptor, AcceptorOptions, Address, Peer, Refusal, TlsMaterial } from "./api.ts"
import { bind, formatHostPort } from "./binding.ts"
import { contextOptions } from "./context.ts"
import { socketsMax } from "./open-files.ts"
import { rawOf } from "./raw-socket.ts"
import { Sources, sourceOf } from "./sources.ts"

const defaults = {
  connectionsMax: 1024,
  connectionsPerIdentityMax: 128,
  handshakesMax: 512,
  handshakesPerSecondMax: 256,
  handshakeTimeoutMs: 5000,
} as const

const detailCharactersMax = 200

/** What a peer that offers no ALPN is taken to speak. */
const protocolUnnamed = "http/1.1"

/** A raw connection from accept() until its handshake has ended, one way or the other. */
interface Attempt {
  readonly from: string
  /** What its share of handshakes is counted by. */
  readonly source: string
  readonly timer: NodeJS.Timeout
  /** All that is spoken at the address that it came to; undefined: what the acceptor speaks. */
  readonly speaks: string | undefined
}

/**
 * Opens the door, not yet listening. Errors: CONFIG_INVALID if the TLS material is not acceptable.
 */
export function openAcceptor(options: AcceptorOptions): Acceptor {
  assert(options.protocols.length > 0, "an acceptor speaks something")
  return new TlsAcceptor(options)
}

class TlsAcceptor implements Acceptor {
  readonly #options: AcceptorOptions
  readonly #limits: { readonly [Name in keyof typeof defaults]: number }
  readonly #tls: TlsServer
  /** Each with the promise of its end: no connection of it left. */
  readonly #listeners = new Map<Server, Promise<void>>()
  /** Keyed by the raw socket, which closes in every case. */
  readonly #attempts = new Map<Socket, Attempt>()
  readonly #sources: Sources
  readonly #socketsMax = socketsMax()
  readonly #peers = new Map<TLSSocket, Peer>()
  readonly #peersById = new Map<string, number>()
  /** The trusted CAs. */
  #authorities: readonly X509Certificate[]
  #stopped = false

  constructor(options: AcceptorOptions) {
    this.#options = options
    this.#limits = {
      connectionsMax: options.connectionsMax ?? defaults.connectionsMax,
      connectionsPerIdentityMax:
        options.connectionsPerIdentityMax ?? defaults.connectionsPerIdentityMax,
      handshakesMax: options.handshakesMax ?? defaults.handshakesMax,
      handshakesPerSecondMax: options.handshakesPerSecondMax ?? defaults.handshakesPerSecondMax,
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? defaults.handshakeTimeoutMs,
    }
    this.#sources = new Sources(
      {
        underWayMax: Math.ceil(this.#limits.handshakesMax / 2),
        perSecondMax: this.#limits.handshakesPerSecondMax,
      },
      () => performance.now(),
    )
    // It never listens itself: the raw listeners pass it what they admit, so every limit acts
    // before TLS does.
    const context = contextOptions(options.tls)
    this.#authorities = authoritiesOf(context)
    this.#tls = createTlsServer({
      ...context,
      requestCert: true,
      // Not a gap: #judge refuses every unauthorized certificate, and can then say whose it was.
      rejectUnauthorized: false,
      ALPNProtocols: [...options.protocols],
      // Node's own only watches for silence and only tells; the attempt's timer comes first and
      // destroys.
      handshakeTimeout: 2 * this.#limits.handshakeTimeoutMs,
    })
    this.#tls.on("tlsClientError", (error, socket) => this.#handshakeFailed(error, socket))
    this.#tls.on("secureConnection", (socket) => this.#handshakeDone(socket))
  }

  async listen(address: Address): Promise<string> {
    assert(!this.#stopped, "a stopped acceptor does not listen again")
    const server = createTcpServer({ noDelay: true, allowHalfOpen: false })
    let bound = ""
    const closed = new Promise<void>((resolve) => server.once("close", resolve))
    const speaks = "path" in address ? undefined : address.speaks
    server.on("connection", (raw) => {
      this.#accept(raw, "path" in address ? bound : "unknown", speaks)
    })
    bound = await bind(server, address)
    // accept() itself can fail (no file descriptors left). The listener lives on; without this the
    // process would not.
    server.on("error", (error) => this.#refuse("CONNECTION_LIMIT", error.message, bound))
    this.#listeners.set(server, closed)
    return bound
  }

  setTls(tls: TlsMaterial): void {
    const context = contextOptions(tls)
    this.#tls.setSecureContext(context)
    this.#authorities = authoritiesOf(context)
  }

  reconsider(): number {
    let destroyed = 0
    for (const [socket, peer] of this.#peers) {
      if (this.#options.admit(peer) === undefined) continue
      this.#drop(socket, peer)
      destroyed += 1
    }
    return destroyed
  }

  count(): number {
    return this.#peers.size
  }

  peers(): Iterable<Peer> {
    return this.#peers.values()
  }

  stop(): void {
    this.#stopped = true
    for (const server of this.#listeners.keys()) server.close()
    for (const [raw] of this.#attempts) this.#cutOff(raw, "SHUTTING_DOWN", "during the handshake")
  }

  async close(): Promise<void> {
    this.stop()
    for (const [socket, peer] of this.#peers) this.#drop(socket, peer)
    await Promise.all(this.#listeners.values())
  }

  /**
   * A raw connection: nothing is known of it but where it comes from; `nameless` is said of one
   * without address.
   */
  #accept(raw: Socket, nameless: string, speaks: string | undefined): void {
    raw.on("error", ignore) // A reset is a close to us; nobody listening, it ends the process.
    const address = raw.remoteAddress ?? nameless
    const from = raw.remotePort === undefined ? address : formatHostPort(address, raw.remotePort)
    const source = sourceOf(address)
    const refused = this.#stopped ? "SHUTTING_DOWN" : "CONNECTION_LIMIT"
    const why = this.#stopped ? "before the handshake" : this.#overLimit(source)
    if (why !== undefined) {
      raw.destroy()
      this.#refuse(refused, why, from)
      return
    }
    const { handshakeTimeoutMs } = this.#limits
    const timer = setTimeout(
      () => this.#cutOff(raw, "TLS_HANDSHAKE", `not completed in ${handshakeTimeoutMs} ms`),
      handshakeTimeoutMs,
    )
    timer.unref()
    this.#attempts.set(raw, { from, source, timer, speaks })
    raw.once("close", () => this.#cutOff(raw, "TLS_HANDSHAKE", "the peer closed during it"))
    this.#tls.emit("connection", raw)
  }

  /** Which limit one more raw connection would exceed; if none, its source is charged for it. */
  #overLimit(source: string): string | undefined {
    const { connectionsMax, handshakesMax } = this.#limits
    if (this.#peers.size + this.#attempts.size >= this.#socketsMax) return "files that may be open"
    if (this.#peers.size >= connectionsMax) return "connections in all"
    if (this.#attempts.size >= handshakesMax) return "handshakes under way in all"
    const ofSource = this.#sources.begin(source)
    return ofSource === undefined ? undefined : `handshakes ${ofSource}`
  }

  /**
   * Ends the attempt's bookkeeping; undefined if it has ended before, in which case it was reported
   * then.
   */
  #endAttempt(raw: Socket): Attempt | undefined {
    const attempt = this.#attempts.get(raw)
    if (attempt === undefined) return undefined
    clearTimeout(attempt.timer)
    this.#attempts.delete(raw)
    this.#sources.end(attempt.source)
    return attempt
  }

  /** Destroys a connection that is still in its handshake, and says why. */
  #cutOff(raw: Socket, code: ErrorCode, detail: string): void {
    const attempt = this.#endAttempt(raw)
    if (attempt === undefined) return
    raw.destroy()
    this.#refuse(code, detail, attempt.from)
  }

  #handshakeFailed(error: Error, socket: TLSSocket): void {
    socket.on("error", ignore)
    const attempt = this.#endAttempt(rawOf(socket))
    socket.destroy() // Node only tells and would leave it open.
    if (attempt === undefined) return
    const code = "code" in error && typeof error.code === "string" ? error.code : error.message
    const wrongProtocol = code === "ERR_SSL_NO_APPLICATION_PROTOCOL"
    this.#refuse(wrongProtocol ? "ALPN_REFUSED" : "TLS_HANDSHAKE", code, attempt.from)
  }

  #handshakeDone(socket: TLSSocket): void {
    // After a broken record Node only tells, and would leave it open.
    socket.on("error", () => socket.destroy())
    const attempt = this.#endAttempt(rawOf(socket))
    if (attempt === undefined) {
      socket.destroy() // It was cut off and reported while this event was on its way.
      return
    }
    const verdict = this.#judge(socket, attempt)
    if ("code" in verdict) {
      socket.destroy()
      this.#refuse(verdict.code, verdict.detail, verdict.from, verdict.id)
      return
    }
    this.#peers.set(socket, verdict)
    this.#peersById.set(verdict.id, (this.#peersById.get(verdict.id) ?? 0) + 1)
    socket.once("close", () => this.#drop(socket, verdict))
    this.#options.onPeer(socket, verdict)
  }

  /** From here on the connection does not count any more. */
  #drop(socket: TLSSocket, peer: Peer): void {
    socket.destroy()
    if (this.#peers.delete(socket)) decrement(this.#peersById, peer.id)
  }

  /**
   * The one place where a peer becomes known, failing closed: everything that is not found good is
   * refused. Takes all TLS facts now; asking for some of them after the socket has closed crashes
   * the process.
   */
  #judge(socket: TLSSocket, { from, speaks }: Attempt): Peer | Refusal {
    const shown = readCertificate(socket)
    const { id } = shown
    const refusal = (code: ErrorCode, detail: string): Refusal =>
      id === undefined ? { code, detail, from } : { code, detail, from, id }

    // Whose chain or dates are wrong comes first, then what is wrong with the certificate itself.
    if (shown.certificate !== undefined && !socket.authorized) {
      return refusal("CERTIFICATE_REFUSED", verification(socket))
    }
    if (id === undefined) return refusal("CERTIFICATE_REFUSED", shown.fault)
    const protocol = speaks === undefined ? this.#protocolOf(socket) : onlyProtocol(socket, speaks)
    if (protocol === undefined) return refusal("ALPN_REFUSED", offered(socket))
    const { certificate } = shown
    const peer: Peer = {
      id,
      certificate: hash("sha256", certificate.raw, "hex"),
      shown: new Uint8Array(certificate.raw),
      publicKey: streamKeyOf(certificate),
      key: hash("sha256", certificate.publicKey.export({ type: "spki", format: "der" }), "hex"),
      serial: certificate.serialNumber.toLowerCase(),
      notAfter: certificate.validToDate,
      authority: this.#issuerOf(certificate),
      from,
      protocol,
    }
    const denied = this.#options.admit(peer)
    if (denied !== undefined) return refusal(denied, protocol)
    if (this.#peers.size >= this.#limits.connectionsMax) {
      return refusal("CONNECTION_LIMIT", "in all")
    }
    if ((this.#peersById.get(id) ?? 0) >= this.#limits.connectionsPerIdentityMax) {
      return refusal("CONNECTION_LIMIT", "of one identity")
    }
    return peer
  }

  /** Names can be equal, of an old CA and a new one: what counts is whose key signed. */
  #issuerOf(certificate: X509Certificate): string | undefined {
    const issuer = this.#authorities.find(
      (ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey),
    )
    return issuer === undefined ? undefined : hash("sha256", issuer.raw, "hex")
  }

  /** Undefined if nothing was agreed on and HTTP is not spoken here. */
  #protocolOf(socket: TLSSocket): string | undefined {
    const agreed = socket.alpnProtocol
    const protocol = typeof agreed === "string" ? agreed : protocolUnnamed
    return this.#options.protocols.includes(protocol) ? protocol : undefined
  }

  #refuse(code: ErrorCode, detail: string, from: string, id?: string): void {
    const shown = printable(detail)
    this.#options.onRefused({ code, detail: shown, from, ...(id === undefined ? {} : { id }) })
  }
}

/** Undefined if the peer agreed on another. */
function onlyProtocol({ alpnProtocol }: TLSSocket, speaks: string): string | undefined {
  return typeof alpnProtocol === "string" ? undefined : speaks
}

function offered({ alpnProtocol }: TLSSocket): string {
  return typeof alpnProtocol === "string"
    ? `${alpnProtocol} is not spoken there`
    : "none was offered"
}

/** Ed25519 and ECDSA P-256 sign for streams. */
function streamKeyOf(certificate: X509Certificate): string | undefined {
  const { publicKey } = certificate
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey
  const signs = type === "ed25519" || (type === "ec" && details?.namedCurve === "prime256v1")
  if (!signs) return undefined
  return publicKey.export({ type: "spki", format: "der" }).toString("base64")
}

function authoritiesOf(context: { readonly ca?: unknown }): X509Certificate[] {
  return (context.ca as readonly string[]).map((pem) => new X509Certificate(pem))
}

/** A certificate with the one id it claims, or what keeps it from being used. */
type Shown =
  | { readonly certificate: X509Certificate; readonly id: string }
  | { readonly certificate?: X509Certificate; readonly id?: undefined; readonly fault: string }

/** Attacker-controlled: whatever goes wrong in reading it is the certificate's fault. */
function readCertificate(socket: TLSSocket): Shown {
  let certificate: X509Certificate | undefined
  try {
    certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return { fault: "none was shown" }
    return { certificate, id: spiffeIdOf(certificate) }
  } catch (error) {
    const fault = (isPosternError(error) ? error.detail : undefined) ?? "it cannot be read"
    return certificate === undefined ? { fault } : { certificate, fault }
  }
}

/** What OpenSSL found wrong with the chain, by the name that Node has for it. */
function verification(socket: TLSSocket): string {
  const reason = String(socket.authorizationError)
  if (reason !== "UNSPECIFIED") return reason
  return "for a reason without a name, such as a name constraint or a weak key"
}

function decrement(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 0) - 1
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}

/** Text that may come from a peer, fit for a log line and a terminal. */
function printable(text: string): string {
  return text.slice(0, detailCharactersMax).replace(/[^\x20-\x7e]/g, "?")
}

/** Errors of a socket are followed by its close, which is what counts. */
function ignore(): void {
  // Nothing to do: the close follows.
}
