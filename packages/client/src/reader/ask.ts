import type { IncomingMessage } from "node:http"
import { type ErrorCode, errorRegistry, PosternError, type Slip } from "@postern/log/base"
import { checkServer, type Profile } from "../profile.ts"

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
  /** A new certificate (PEM) for this request (PKCS#10, DER). Errors: UNREACHABLE; what the port answered as a problem. */
  renew(request: Uint8Array): Promise<string>
  /** Connections that are made from now on show this certificate; those that are open stay. */
  show(pair: Pick<Profile, "certificate" | "key">): void
  close(): void
}

const answerBytesMax = 64 * 1024 * 1024
const answerMs = 30_000
/** The read port sends something every 15 seconds, so a tail that is silent for longer than this has lost its other end. */
const silenceMs = 45_000

/**
 * The server must show a certificate of the profile's CA with the profile's server id.
 * @param answered called for each answer that is no problem
 */
export function openAsker(profile: Profile, answered: () => void = () => undefined): Asker {
  // Not imported above: a process that only writes does without these four megabytes.
  const { Agent, request } = process.getBuiltinModule("node:https")
  const [, host = "", port = ""] = /^\[?([^\]]+)\]?:(\d+)$/.exec(profile.address) ?? []
  const agent = new Agent({
    keepAlive: true,
    ca: profile.ca,
    cert: profile.certificate,
    key: profile.key,
    minVersion: "TLSv1.3",
    // A session that is taken up again would skip the question who the server is.
    maxCachedSessions: 0,
    checkServerIdentity: (_name, certificate) => checkServer(profile.server, certificate),
  })

  function send(
    path: string,
    headers: Record<string, string>,
    signal?: AbortSignal,
    body?: Uint8Array,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const method = body === undefined ? "GET" : "POST"
      const about = { method, path, headers, ...(signal !== undefined && { signal }) }
      const asked = request({ agent, host, port, ...about }, resolve)
      asked.setTimeout(answerMs, () => asked.destroy(new Error("no answer in 30 seconds")))
      asked.once("response", () => asked.setTimeout(0))
      asked.on("error", (cause) => {
        reject(new PosternError("UNREACHABLE", `${profile.address}: ${cause.message}`, { cause }))
      })
      asked.end(body)
    })
  }

  async function stream(
    path: string,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const response = await send(path, headers, signal)
    destroyOnSilence(response)
    if (response.statusCode !== 200) throw problemOf(parseAnswer(await readText(response)))
    answered()
    return response
  }

  async function renew(body: Uint8Array): Promise<string> {
    // Its own connection's last: the port remembers on it that another certificate was given.
    const headers = { "content-type": "application/pkcs10", connection: "close" }
    const response = await send("/v1/certificate", headers, undefined, body)
    const answer = await readText(response)
    if (response.statusCode !== 200) throw problemOf(parseAnswer(answer))
    return answer
  }

  const text = async (path: string): Promise<string> => readText(await stream(path, {}))
  return {
    json: async (path) => parseAnswer(await text(path)),
    text,
    stream,
    renew,
    show({ certificate, key }) {
      agent.options.cert = certificate
      agent.options.key = key
    },
    close: () => agent.destroy(),
  }
}

function destroyOnSilence(response: IncomingMessage): void {
  const { socket } = response
  const onSilence = () => response.destroy(new Error("silent for 45 seconds"))
  socket.setTimeout(silenceMs)
  socket.on("timeout", onSilence)
  // The connection outlives the answer.
  response.once("close", () => {
    socket.setTimeout(0)
    socket.off("timeout", onSilence)
  })
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > answerBytesMax) throw new Error(`longer than ${answerBytesMax} bytes`)
      chunks.push(chunk)
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PosternError("UNREACHABLE", `the answer broke off: ${why}`, { cause })
  }
  return Buffer.concat(chunks).toString("utf8")
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new PosternError("UNREACHABLE", "the answer is not JSON: is this a read port?", { cause })
  }
}

/** RFC 9457. A code that is not in this registry comes from a newer port; its words are kept. */
export function problemOf(value: unknown): PosternError {
  const { code, title, detail, ...more } = (value ?? {}) as Readonly<Record<string, unknown>>
  const known = typeof code === "string" && Object.hasOwn(errorRegistry, code)
  if (!known) return new PosternError("REQUEST_INVALID", `${String(code)}: ${String(title)}`)
  const slip = slipOf(more)
  const said = typeof detail === "string" ? detail : undefined
  return new PosternError(code as ErrorCode, said, slip === undefined ? {} : { slip })
}

function slipOf({ at, length, suggestion }: Readonly<Record<string, unknown>>): Slip | undefined {
  if (typeof at !== "number" || typeof length !== "number") return undefined
  return { at, length, ...(typeof suggestion === "string" ? { suggestion } : {}) }
}
