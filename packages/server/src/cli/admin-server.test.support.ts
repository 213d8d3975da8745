import { once } from "node:events"
import { mkdirSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:https"
import { dirname } from "node:path"
import type { Config } from "../config/index.ts"
import { dataDirectories, readTextFile } from "../config/index.ts"

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/**
 * For tests of the client: something on the admin socket that demands a certificate of the CA, as
 * the port does, and answers what the test says. The certificate shown is the server's unless
 * another is given.
 */
export async function listenAsPort(
  config: Config,
  answer: Answer,
  shown: { certificate: string; key: string } = {
    certificate: readTextFile(config.pki.certificate),
    key: readTextFile(config.pki.key),
  },
): Promise<{ close(): Promise<void> }> {
  const { adminSocket } = dataDirectories(config)
  mkdirSync(dirname(adminSocket), { recursive: true, mode: 0o700 })
  const server = createServer(
    {
      ca: readTextFile(config.pki.ca),
      cert: shown.certificate,
      key: shown.key,
      minVersion: "TLSv1.3",
      requestCert: true,
      rejectUnauthorized: true,
    },
    answer,
  )
  server.listen(adminSocket)
  await once(server, "listening")
  return {
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}
