import { createHmac } from "node:crypto"
import { Agent, type IncomingMessage, request } from "node:http"
import { Agent as TlsAgent, request as tlsRequest } from "node:https"
import { PosternError, parseBase64 } from "@postern/log/base"
import type { Webhook } from "../../alerts/index.ts"
import { readSecretFile, readTextFile } from "../../config/index.ts"

/** What a webhook answered, or why there is no answer. */
export interface WebhookAnswer {
  /** Undefined if there was none. */
  readonly status: number | undefined
  /** The begin of the answer, or the reason. */
  readonly text: string
  /** Whether another attempt may go better. */
  readonly mayPass: boolean
}

export type PostWebhook = (
  webhook: Webhook,
  message: { readonly id: string; readonly body: string },
  signal: AbortSignal,
) => Promise<WebhookAnswer>

/** Of an answer; the rest is not read. */
const answerBytesMax = 2_048
const textMax = 200
const secretBytesMin = 24
const secretBytesMax = 64
/** Statuses besides 5xx that may be over the next time: timeout, too early, too many. */
const passing: ReadonlySet<number> = new Set([408, 425, 429])

/**
 * POSTs JSON, signed as Standard Webhooks says (HMAC-SHA256 over id, time and body). One connection for one message, straight to
 * the host of the URL: no proxy, no redirect. Ends at the timeout at the latest. Never rejects.
 */
export const postWebhook: PostWebhook = async (webhook, { id, body }, signal) => {
  const within = AbortSignal.any([signal, AbortSignal.timeout(webhook.timeoutSeconds * 1000)])
  try {
    const headers = {
      "content-type": "application/json",
      "user-agent": "postern",
      ...signed(webhook, id, body),
    }
    const response = await send(webhook, headers, body, within)
    const status = response.statusCode ?? 0
    const text = await beginOf(response)
    return { status, text, mayPass: status >= 500 || passing.has(status) }
  } catch (error) {
    const text = within.aborted ? `no answer within ${webhook.timeoutSeconds} s` : reasonOf(error)
    return { status: undefined, text: text.slice(0, textMax), mayPass: true }
  }
}

async function send(
  { url, ca }: Webhook,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const where = new URL(url)
  const isSecure = where.protocol === "https:"
  const agent = isSecure ? new TlsAgent({ minVersion: "TLSv1.2" }) : new Agent()
  const trust = ca === undefined ? {} : { ca: readTextFile(ca) }
  const outgoing = (isSecure ? tlsRequest : request)(where, {
    ...trust,
    ...{ method: "POST", agent, signal },
    headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
  })
  return new Promise((resolve, reject) => {
    outgoing.once("response", resolve)
    // An answer that is cut off later has been understood by then.
    outgoing.on("error", reject)
    outgoing.end(body)
  })
}

/** The begin of an answer, as far as it comes. */
function beginOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = ""
    const end = (): void => {
      response.destroy()
      resolve(text.slice(0, textMax))
    }
    response.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      if (text.length >= answerBytesMax) end()
    })
    for (const event of ["end", "error", "close"] as const) response.once(event, end)
  })
}

function signed({ secret }: Webhook, id: string, body: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp }
  if (secret === undefined) return headers
  const mac = createHmac("sha256", readWebhookSecret(secret)).update(`${id}.${timestamp}.${body}`)
  return { ...headers, "webhook-signature": `v1,${mac.digest("base64")}` }
}

/** The secret in a file: `whsec_` and the base64 of 24 to 64 bytes. Errors: CONFIG_INVALID. */
export function readWebhookSecret(file: string): Uint8Array {
  const text = readSecretFile(file).trim()
  const bytes = text.startsWith("whsec_") ? parseBase64(text.slice("whsec_".length)) : undefined
  if (bytes !== undefined && bytes.length >= secretBytesMin && bytes.length <= secretBytesMax)
    return bytes
  throw new PosternError("CONFIG_INVALID", `${file} is not whsec_ and the base64 of 24 to 64 bytes`)
}

function reasonOf(error: unknown): string {
  if (error instanceof PosternError) return error.message
  // Several addresses were tried, each with a reason of its own.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(", ")
  return error instanceof Error ? error.message : String(error)
}
