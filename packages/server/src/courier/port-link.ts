import { X509Certificate } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { Agent, request } from "node:https"
import { PosternError } from "@postern/log/base"
import { spiffeIdOf } from "../access/index.ts"
import { type Config, dataDirectories, readSecretFile, readTextFile } from "../config/index.ts"

/** The courier's way to the port: its admin socket, with mutual TLS inside. */
export interface PortLink {
  /** @throws PosternError UNREACHABLE, also if the port refused the report */
  report(report: object): Promise<void>
  close(): void
}

const timeoutMs = 5_000

/** Certificates are read anew for each connection, so that renewed ones are used. */
export function openPortLink(config: Config): PortLink {
  const { adminSocket } = dataDirectories(config)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    async report(report) {
      const body = Buffer.from(JSON.stringify(report))
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          const outgoing = request({
            ...credentials(config),
            socketPath: adminSocket,
            method: "POST",
            path: "/v1/witness",
            agent,
            headers: { "content-type": "application/json", "content-length": body.length },
            signal: AbortSignal.timeout(timeoutMs),
          })
          outgoing.once("response", resolve)
          outgoing.on("error", reject)
          outgoing.end(body)
        })
        const { statusCode } = response
        let text = ""
        for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
        if (statusCode !== 200) throw new PosternError("UNREACHABLE", `the port says ${text}`)
      } catch (cause) {
        if (cause instanceof PosternError) throw cause
        const text = cause instanceof Error ? cause.message : String(cause)
        throw new PosternError("UNREACHABLE", `${adminSocket}: ${text}`, { cause })
      }
    },
    close: () => agent.destroy(),
  }
}

function credentials(config: Config) {
  const { ca, certificate, courier } = config.pki
  if (courier === undefined) throw new PosternError("CONFIG_INVALID", "pki.courier is missing")
  // Whoever holds the server's name is the port: both files are this installation's own.
  const server = spiffeIdOf(new X509Certificate(readTextFile(certificate)), "server")
  return {
    ca: readTextFile(ca),
    cert: readTextFile(courier.certificate),
    key: readSecretFile(courier.key),
    minVersion: "TLSv1.3" as const,
    checkServerIdentity: (_host: string, peer: { raw: Buffer }) => {
      const id = spiffeIdOf(new X509Certificate(peer.raw), "server")
      return id === server ? undefined : new PosternError("TLS_HANDSHAKE", `the server is ${id}`)
    },
  }
}
