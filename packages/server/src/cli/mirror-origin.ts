import type { IncomingMessage } from "node:http"
import { Agent, type RequestOptions, request } from "node:https"
import type { Profile } from "@postern/client"
import { isPosternError, PosternError } from "@postern/log/base"
import { z } from "zod"
import { parseHostPort } from "../config/index.ts"
import type { Origin } from "../mirror/index.ts"
import { openHttpsExchange, parseJson, problemOf } from "./https-exchange.ts"
import { connectionError, profileTls } from "./profile-tls.ts"
import { askKeys } from "./read-port-tiles.ts"

const problemBytesMax = 65_536
const noteBytesMax = 1_000_000
const answerMs = 30_000
/** The read port sends something every 15 seconds. */
const silenceMs = 45_000
const agreement = z.strictObject({ size: z.int(), agrees: z.boolean() })

/** The read port that a reader's profile names, as a mirror follows it. Errors: PROFILE_INVALID. */
export function openMirrorOrigin(
  profile: Profile,
): Origin & { keys(): Promise<string>; close(): void } {
  if (profile.role !== "reader") {
    throw new PosternError("PROFILE_INVALID", `it is a ${profile.role}'s, a reader's is needed`)
  }
  const exchange = openHttpsExchange(profile)
  const address = parseHostPort(profile.address)
  const agent = new Agent(profileTls(profile))
  /** Whoever let us in once and then cuts a handshake short is being started again. */
  let answered = false

  async function slots(from: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const path = `/v1/log/slots?from=${from}`
    const response = await dial({ ...address, agent, path, signal }).catch((error) => {
      const known = connectionError(profile.address, error)
      if (!answered || known.code !== "NOT_GRANTED") throw known
      throw new PosternError("UNREACHABLE", known.detail, { cause: error })
    })
    if (response.statusCode !== 200) throw problemOf(await readProblem(response))
    answered = true
    return chunksOf(profile.address, response)
  }

  async function agrees(session: string, size: number, root: string): Promise<boolean> {
    const path = `/v1/log/agreement?session=${session}&size=${size}&root=${root}`
    const answer = await exchange.ask({ method: "GET", path, bytesMax: problemBytesMax })
    if (answer.status !== 200) throw problemOf(answer)
    const said = agreement.safeParse(parseJson(answer.body.toString("utf8"))).data
    if (said?.size === size) return said.agrees
    throw new PosternError("UNREACHABLE", "the origin's answer is not understood")
  }

  async function checkpoint(): Promise<string | undefined> {
    const question = { method: "GET", path: "/checkpoint", bytesMax: noteBytesMax } as const
    const answer = await exchange.ask(question)
    return answer.status === 200 ? answer.body.toString("utf8") : undefined
  }

  function close(): void {
    exchange.close()
    agent.destroy()
  }

  return { slots, agrees, checkpoint, keys: () => askKeys(exchange), close }
}

function dial(options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = request(options, resolve)
    asked.setTimeout(answerMs, () => asked.destroy(new Error("no answer in 30 seconds")))
    asked.once("response", () => asked.setTimeout(0))
    asked.once("error", reject)
    asked.end()
  })
}

async function readProblem(response: IncomingMessage): Promise<{ status: number; body: Buffer }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > problemBytesMax) break
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) }
}

/** Chunks as they come; what is not taken stays in the socket, and the origin waits. */
async function* chunksOf(
  address: string,
  response: IncomingMessage,
): AsyncGenerator<Uint8Array, void, undefined> {
  response.setTimeout(silenceMs, () => response.destroy(new Error("silent for 45 seconds")))
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) yield chunk
  } catch (error) {
    if (isPosternError(error)) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new PosternError("UNREACHABLE", `${address}: the answer broke off: ${why}`, {
      cause: error,
    })
  }
}
