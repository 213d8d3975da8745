import { Agent, type IncomingMessage, request } from "node:http"
import { Agent as TlsAgent, request as tlsRequest } from "node:https"
import { decodeUtf8, PosternError } from "@postern/log/base"
import { witnessBodyBytesMax } from "@postern/log/tlog"

export interface WireAnswer {
  readonly status: number
  readonly contentType: string | undefined
  readonly body: string
}

/**
 * One HTTP request and its whole answer. Follows no redirect.
 * @throws PosternError WITNESS_UNREACHABLE · WITNESS_ANSWER_INVALID
 */
export type Exchange = (method: "GET" | "POST", url: string, body?: string) => Promise<WireAnswer>

/**
 * HTTP to witnesses: connections are kept, answers bounded in size and in time.
 * @param timeoutMs for one request, from connecting to the last byte
 */
export function openExchange(timeoutMs: number): { exchange: Exchange; close(): void } {
  const options = { keepAlive: true, maxSockets: 4, maxFreeSockets: 1 }
  const plain = new Agent(options)
  const tls = new TlsAgent(options)
  const exchange: Exchange = async (method, url, body) => {
    const where = new URL(url)
    const secure = where.protocol === "https:"
    const signal = AbortSignal.timeout(timeoutMs)
    const outgoing = (secure ? tlsRequest : request)(where, {
      method,
      agent: secure ? tls : plain,
      signal,
      headers: body === undefined ? {} : { "content-type": "text/plain; charset=utf-8" },
    })
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.once("response", resolve)
        outgoing.on("error", reject)
        outgoing.end(body)
      })
      return {
        status: response.statusCode ?? 0,
        contentType: response.headers["content-type"],
        body: await readBody(response),
      }
    } catch (cause) {
      outgoing.destroy()
      if (cause instanceof PosternError) throw cause
      const reason = signal.aborted ? `no answer within ${timeoutMs} ms` : messageOf(cause)
      throw new PosternError("WITNESS_UNREACHABLE", `${where.host}: ${reason}`, { cause })
    }
  }
  return {
    exchange,
    close() {
      plain.destroy()
      tls.destroy()
    },
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > witnessBodyBytesMax) {
      throw new PosternError("WITNESS_ANSWER_INVALID", `over ${witnessBodyBytesMax} bytes`)
    }
    chunks.push(chunk)
  }
  const text = decodeUtf8(Buffer.concat(chunks))
  if (text === undefined) throw new PosternError("WITNESS_ANSWER_INVALID", "not UTF-8")
  return text
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
