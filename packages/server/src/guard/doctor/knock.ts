import { connect as connectPlain } from "node:net"
import { type ConnectionOptions, connect as connectTls } from "node:tls"

/** How somebody comes to a door. `text` is what is said once he is in, or thinks so. */
export interface Knock {
  readonly host: string
  readonly port: number
  /** Undefined: without TLS. */
  readonly tls: ConnectionOptions | undefined
  readonly text: string
  /** How much of the answer is waited for, until the end of it at most; default: its first bytes. */
  readonly bytesMax?: number
}

/**
 * What a door did. `silent`: it neither answered nor closed in time. In TLS 1.3 a client believes itself connected before the server
 * has looked at its certificate, so only bytes that come back mean that it was let in.
 */
export type Reception =
  | { readonly state: "answered"; readonly began: string }
  | { readonly state: "closed"; readonly why: string }
  | { readonly state: "silent" }
  | { readonly state: "unreachable"; readonly why: string }

const answerMs = 5000
const unreachable = /^E(?:CONNREFUSED|HOSTUNREACH|NETUNREACH|TIMEDOUT|NOTFOUND|AI_AGAIN)$/

/** Comes to a door from outside, as whoever the options say, and tells what came of it. Never throws for what the door does. */
export function knock({ host, port, tls, text, bytesMax = 0 }: Knock): Promise<Reception> {
  return new Promise((resolve) => {
    const socket =
      tls === undefined
        ? connectPlain({ host, port })
        : connectTls({ host, port, rejectUnauthorized: false, ...tls })
    const timer = setTimeout(() => end({ state: "silent" }), answerMs)
    function end(reception: Reception): void {
      clearTimeout(timer)
      socket.destroy()
      resolve(reception)
    }
    socket.once(tls === undefined ? "connect" : "secureConnect", () => socket.write(text))
    let began = ""
    socket.on("data", (chunk: Buffer) => {
      began += (bytesMax === 0 ? chunk.subarray(0, 64) : chunk).toString("latin1")
      if (began.length >= bytesMax) end({ state: "answered", began })
    })
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const { code = "", message } = error
      if (unreachable.test(code)) end({ state: "unreachable", why: code })
      else end({ state: "closed", why: code === "" ? message : code })
    })
    socket.once("close", () => {
      end(began === "" ? { state: "closed", why: "without a word" } : { state: "answered", began })
    })
  })
}
