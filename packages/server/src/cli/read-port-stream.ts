import type { IncomingMessage } from "node:http"
import { Agent, request } from "node:https"
import type { Profile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { parseHostPort } from "../config/index.ts"
import { problemOf } from "./https-exchange.ts"
import { connectionError, profileTls } from "./profile-tls.ts"

const silenceMs = 120_000
const problemBytesMax = 65_536

/**
 * A long answer of the read port, in parts as they come; at most two minutes between two of them. Errors: UNREACHABLE,
 * NOT_GRANTED, TLS_HANDSHAKE, PROFILE_INVALID, and those that the port answers.
 */
export async function* streamAnswer(
  profile: Profile,
  path: string,
): AsyncGenerator<Uint8Array, void> {
  if (profile.role !== "reader") {
    throw new PosternError("PROFILE_INVALID", `it is a ${profile.role}'s, a reader's is needed`)
  }
  const address = parseHostPort(profile.address)
  if (address === undefined) throw new PosternError("PROFILE_INVALID", "address is not HOST:PORT")
  const agent = new Agent(profileTls(profile))
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({ ...address, path, agent }, resolve)
      asked.setTimeout(silenceMs, () => asked.destroy(new Error("silent for two minutes")))
      asked.on("error", reject)
      asked.end()
    })
    if (response.statusCode !== 200) throw await problemIn(response)
    for await (const part of response as AsyncIterable<Buffer>) yield part
  } catch (error) {
    throw connectionError(profile.address, error)
  } finally {
    agent.destroy()
  }
}

async function problemIn(response: IncomingMessage): Promise<PosternError> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > problemBytesMax) break
    parts.push(part)
  }
  return problemOf({ status: response.statusCode ?? 0, body: Buffer.concat(parts) })
}
