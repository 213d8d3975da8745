import { X509Certificate } from "node:crypto"
import { duplexPair } from "node:stream"
import { connect, createServer, type TLSSocket } from "node:tls"
import { PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../access/index.ts"
import type { TlsMaterial } from "./api.ts"
import { contextOptions } from "./context.ts"

const withinMs = 5000

/** Which side of a connection shows the certificate. */
export type TlsSide = "server" | "client"

/**
 * One real TLS 1.3 handshake in memory with this material at both ends, judged as a peer who trusts
 * `tls.ca` judges it: chain, dates and usage, and for a server its SPIFFE ID. What passes here
 * passes at the door. Errors: CONFIG_INVALID.
 */
export async function tryHandshake(tls: TlsMaterial, side: TlsSide, id: string): Promise<void> {
  const context = contextOptions(tls)
  const server = createServer({ ...context, requestCert: true, rejectUnauthorized: false })
  const [near, far] = duplexPair()
  const client = connect({
    ...context,
    socket: far,
    rejectUnauthorized: false, // Looked at below, to say what is wrong.
    checkServerIdentity: (_host, peer) => otherThan(id, peer.raw),
  })
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const judge = (socket: TLSSocket): void => {
        if (socket.authorized) return resolve()
        reject(refused(String(socket.authorizationError)))
      }
      const fail = (error: Error): void => reject(refused(error.message, error))
      timer = setTimeout(() => reject(refused("the handshake does not end")), withinMs)
      server.on("tlsClientError", fail)
      client.on("error", fail)
      if (side === "client") server.on("secureConnection", judge)
      else client.once("secureConnect", () => judge(client))
      server.on("secureConnection", (socket) => socket.on("error", fail))
      server.emit("connection", near)
    })
  } finally {
    clearTimeout(timer)
    client.destroy()
    near.destroy()
    far.destroy()
  }
}

function otherThan(id: string, der: Buffer): Error | undefined {
  try {
    const shown = spiffeIdOf(new X509Certificate(der), "server")
    return shown === id ? undefined : new Error(`it is ${shown}`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function refused(detail: string, cause?: unknown): PosternError {
  return new PosternError("CONFIG_INVALID", `TLS: a peer would refuse the certificate: ${detail}`, {
    cause,
  })
}
