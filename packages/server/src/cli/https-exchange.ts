import type { IncomingMessage } from "node:http"
import { Agent, request } from "node:https"
import type { Profile } from "@postern/client"
import { type ErrorCode, errorRegistry, PosternError } from "@postern/log/base"
import { z } from "zod"
import { parseHostPort } from "../config/index.ts"
import { connectionError, profileTls } from "./profile-tls.ts"

export interface HttpsAnswer {
  readonly status: number
  readonly body: Buffer
}

export interface HttpsQuestion {
  readonly method: "GET" | "POST"
  /** With the leading slash. */
  readonly path: string
  readonly type?: string
  readonly body?: Buffer
  /** A longer answer is refused. */
  readonly bytesMax: number
}

/** Questions over HTTPS to the port that a profile names, several at a time over kept connections. */
export interface HttpsExchange {
  /** Errors: UNREACHABLE, NOT_GRANTED, TLS_HANDSHAKE. An answer with any status is an answer. */
  ask(question: HttpsQuestion): Promise<HttpsAnswer>
  close(): void
}

const answerMs = 60_000
const connectionsMax = 8

/** @param timeoutMs for each question with its whole answer */
export function openHttpsExchange(profile: Profile, timeoutMs = answerMs): HttpsExchange {
  const address = parseHostPort(profile.address)
  if (address === undefined) throw new PosternError("PROFILE_INVALID", "address is not HOST:PORT")
  const agent = new Agent({ ...profileTls(profile), keepAlive: true, maxSockets: connectionsMax })

  async function ask(question: HttpsQuestion): Promise<HttpsAnswer> {
    const { method, path, type, body, bytesMax } = question
    try {
      const outgoing = request({
        ...address,
        method,
        path,
        agent,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          ...(type === undefined ? {} : { "content-type": type }),
          "content-length": body?.length ?? 0,
        },
      })
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.on("error", reject)
        outgoing.on("response", resolve)
        outgoing.end(body)
      })
      return { status: response.statusCode ?? 0, body: await readBody(response, bytesMax) }
    } catch (error) {
      throw connectionError(profile.address, error)
    }
  }

  return { ask, close: () => agent.destroy() }
}

async function readBody(response: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new PosternError("UNREACHABLE", "the answer is too long")
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const problem = z.object({
  code: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
})

/** The error that an answer other than success stands for (RFC 9457 with a code of ours). */
export function problemOf({ status, body }: HttpsAnswer): PosternError {
  const { code, title, detail } = problem.safeParse(parseJson(body.toString("utf8"))).data ?? {}
  if (code !== undefined && isErrorCode(code)) {
    const prefix = `${errorRegistry[code].message}: `
    const said = title?.startsWith(prefix) ? title.slice(prefix.length) : undefined
    return new PosternError(code, detail ?? said)
  }
  return new PosternError("UNREACHABLE", `the answer has status ${status} and is not understood`)
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // The caller says what was expected instead.
  }
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorRegistry, text)
}
