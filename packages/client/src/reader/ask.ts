import type { IncomingMessage } from "node:http"
import { Agent, request } from "node:https"
import { type ErrorCode, errorRegistry, PosternError } from "@postern/log/base"
import type { Profile } from "../profile.ts"

/** Questions to the read port, over connections that are kept. */
export interface Asker {
  /** The answer's body, parsed. Errors: UNREACHABLE; what the port answered as a problem. */
  json(path: string): Promise<unknown>
  text(path: string): Promise<string>
  /** The answer while it arrives; for tails. */
  stream(
    path: string,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage>
  close(): void
}

const answerBytesMax = 64 * 1024 * 1024
const answerMs = 30_000

/** The server must show a certificate of the profile's CA with the profile's server id. */
export function openAsker(profile: Profile): Asker {
  const [, host = "", port = ""] = /^\[?([^\]]+)\]?:(\d+)$/.exec(profile.address) ?? []
  const agent = new Agent({
    keepAlive: true,
    ca: profile.ca,
    cert: profile.certificate,
    key: profile.key,
    minVersion: "TLSv1.3",
    checkServerIdentity: (_name, certificate) => {
      if (certificate.subjectaltname?.split(", ").includes(`URI:${profile.server}`))
        return undefined
      return new Error(`the server is not ${profile.server}`)
    },
  })

  function send(
    path: string,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { agent, host, port, path, headers, ...(signal !== undefined && { signal }) }
      const asked = request(options, resolve)
      asked.setTimeout(answerMs, () => asked.destroy(new Error("no answer in 30 seconds")))
      asked.once("response", () => asked.setTimeout(0))
      asked.on("error", (cause) => {
        reject(new PosternError("UNREACHABLE", `${profile.address}: ${cause.message}`, { cause }))
      })
      asked.end()
    })
  }

  async function stream(
    path: string,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const response = await send(path, headers, signal)
    if (response.statusCode !== 200) throw problemOf(await readText(response))
    return response
  }

  const text = async (path: string): Promise<string> => readText(await stream(path, {}))
  return {
    json: async (path) => parseAnswer(await text(path)),
    text,
    stream,
    close: () => agent.destroy(),
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > answerBytesMax) throw new PosternError("UNREACHABLE", "the answer is too long")
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PosternError("UNREACHABLE", "the answer is not JSON", { cause })
  }
}

/** RFC 9457. A code that is not in this registry comes from a newer port; its words are kept. */
function problemOf(text: string): PosternError {
  const problem = parseAnswer(text) as { code?: unknown; title?: unknown; detail?: unknown }
  const code = String(problem.code)
  const detail = typeof problem.detail === "string" ? problem.detail : undefined
  if (code in errorRegistry) return new PosternError(code as ErrorCode, detail)
  return new PosternError("REQUEST_INVALID", `${code}: ${String(problem.title)}`)
}
