import { connect, type TLSSocket } from "node:tls"
import { type ErrorCode, isPosternError, PosternError } from "@postern/log/base"
import { checkServer, type Profile } from "../profile.ts"

export interface LineEvents {
  /** Both sides have shown who they are. */
  opened(): void
  received(chunk: Uint8Array): void
  /** What was sent has left this process. */
  drained(): void
  /** Once, however it ended, unless close() was called; nothing else follows. */
  lost(code: ErrorCode, detail: string): void
}

/** One TLS connection to the write port, authenticated both ways. */
export interface Line {
  /**
   * False if the caller should wait for `drained`.
   * @param left called when the bytes may change: they have left this process, or never will
   */
  send(bytes: Uint8Array, left?: () => void): boolean
  /** Whether more is read. */
  listen(isListening: boolean): void
  /** Whether the connection alone keeps the process alive. */
  hold(isHeld: boolean): void
  /** Ends it; nothing is heard of it any more. */
  close(): void
}

const protocol = "postern/1"
const lingerMs = 2_000

/** Dials the profile's address. The server must show a certificate of the profile's CA with the profile's server id. */
export function openLine(profile: Profile, events: LineEvents): Line {
  let isOver = false
  const lose = (error: unknown): void => {
    if (isOver) return
    isOver = true
    const { code, detail } = describe(error)
    events.lost(code, `${profile.address}: ${detail}`)
  }
  let socket: TLSSocket
  try {
    socket = dial(profile)
  } catch (error) {
    // Nobody may be told before openLine() has returned.
    setImmediate(lose, error)
    const close = (): void => {
      isOver = true
    }
    return { send: () => true, listen: ignore, hold: ignore, close }
  }
  let reason: unknown
  socket.on("secureConnect", () => {
    if (isOver) return
    if (socket.alpnProtocol === protocol) return events.opened()
    socket.destroy(new PosternError("ALPN_REFUSED"))
  })
  socket.on("data", (chunk) => isOver || events.received(chunk))
  socket.on("drain", () => isOver || events.drained())
  socket.on("error", (error) => {
    reason = error
  })
  socket.on("close", () => lose(reason))
  return {
    send: (bytes, left) => socket.write(bytes, left),
    listen: (isListening) => void (isListening ? socket.resume() : socket.pause()),
    hold: (isHeld) => void (isHeld ? socket.ref() : socket.unref()),
    close: () => {
      isOver = true
      socket.unref()
      if (socket.connecting) {
        socket.destroy()
        return
      }
      // What was sent goes out first; a port that does not take it is not waited for.
      socket.setTimeout(lingerMs, () => socket.destroy())
      socket.end(() => socket.destroy())
    },
  }
}

function ignore(): void {
  return undefined
}

function dial(profile: Profile): TLSSocket {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(profile.address)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw new PosternError("PROFILE_INVALID", "address is not host:port")
  const socket = connect({
    host,
    port: Number(match?.[3]),
    ca: profile.ca,
    cert: profile.certificate,
    key: profile.key,
    ALPNProtocols: [protocol],
    minVersion: "TLSv1.3",
    checkServerIdentity: (_host, certificate) => checkServer(profile.server, certificate),
  })
  socket.setNoDelay(true)
  return socket
}

function describe(error: unknown): { code: ErrorCode; detail: string } {
  if (error === undefined) return { code: "UNREACHABLE", detail: "the port closed the connection" }
  if (isPosternError(error)) return { code: error.code, detail: error.detail ?? error.message }
  const { code, syscall, message } = error as NodeJS.ErrnoException
  // Errors of sockets name their system call; what else goes wrong here, TLS has to say.
  const isSocket = syscall !== undefined || code === "ECONNRESET" || code === "EPIPE"
  return { code: isSocket ? "UNREACHABLE" : "TLS_HANDSHAKE", detail: message || String(code) }
}
