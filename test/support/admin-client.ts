import { request } from "node:https"
import type { Identity, Installation } from "./installation.ts"
import { within } from "./waiting.ts"

const answerMsMax = 25_000

/** One request on the admin plane of the port, by whoever this identity is. */
export function askAdmin(
  installation: Installation,
  asked: "GET /v1/status" | "POST /v1/reload",
  identity: Identity = installation.operator,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const [method = "", path = ""] = asked.split(" ")
  const { certificate: cert, key } = identity
  const { adminSocket: socketPath, ca } = installation
  const options = {
    socketPath,
    path,
    method,
    cert,
    key,
    ca: ca.certificate,
    servername: "localhost",
  }
  const answer = new Promise<{ status: number; json: Record<string, unknown> }>(
    (resolve, reject) => {
      const sent = request({ ...options, agent: false }, (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) }),
        )
      })
      sent.once("error", reject)
      sent.end()
    },
  )
  return within(answer, answerMsMax, "the admin plane's answer")
}
