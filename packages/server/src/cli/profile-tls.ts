import { X509Certificate } from "node:crypto"
import type { AgentOptions } from "node:https"
import type { Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../access/index.ts"

/**
 * What a TLS connection needs of a profile: our certificate, the CA, and that the server is the one that the profile
 * names. Which host name it answers to says nothing here.
 */
export function profileTls(profile: Profile): AgentOptions {
  return {
    ca: profile.ca,
    cert: profile.certificate,
    key: profile.key,
    minVersion: "TLSv1.3",
    checkServerIdentity: (_host, peer) =>
      refuseOther(new X509Certificate(peer.raw), profile.server),
  }
}

function refuseOther(certificate: X509Certificate, server: string): Error | undefined {
  try {
    const id = spiffeIdOf(certificate, "server")
    if (id === server) return undefined
    return new PosternError("TLS_HANDSHAKE", `the server is ${id}, the profile demands ${server}`)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** What a failed connection means. A PosternError stays what it is. */
export function connectionError(address: string, cause: unknown): PosternError {
  if (cause instanceof PosternError) return cause
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  const message = cause instanceof Error ? cause.message : String(cause)
  const timeout = cause instanceof Error && ["AbortError", "TimeoutError"].includes(cause.name)
  if (timeout)
    return new PosternError("UNREACHABLE", `${address} did not answer in time`, { cause })
  // A server that refuses our certificate closes without a word in TLS 1.3.
  if (code === "ECONNRESET" || code === "EPIPE" || message === "socket hang up") {
    const detail = `${address} closed the connection; does access.yaml name this identity?`
    return new PosternError("NOT_GRANTED", detail, { cause })
  }
  const network = /^E(?:CONNREFUSED|HOSTUNREACH|NETUNREACH|TIMEDOUT|NOTFOUND|AI_AGAIN)$/
  if (network.test(code)) return new PosternError("UNREACHABLE", `${address}: ${code}`, { cause })
  return new PosternError("TLS_HANDSHAKE", message, { cause })
}
