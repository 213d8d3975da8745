import { request } from "node:http"
import { isPosternError, PosternError, parseBase64, verifyEd25519 } from "@postern/log/base"
import { noteKeyId, parseVkey } from "@postern/log/tlog"
import type { SigningKey } from "./key-file.ts"

const answerMs = 5_000
const answerBytesMax = 4_096

/**
 * A key behind a unix socket (docs/spec/signer.md). What answers there is another program: a signature is verified
 * before it is used. Errors of `sign`: SIGNER_UNAVAILABLE, LOG_ROLLED_BACK if the signer will not sign what it is asked for.
 */
export function openKeySocket(socketPath: string, vkey: string): SigningKey {
  const { name, publicKey } = parseVkey(vkey)
  const sign = async (message: Uint8Array): Promise<Uint8Array> => {
    const text = Buffer.from(message).toString()
    const { status, body } = await ask(socketPath, JSON.stringify({ vkey, text }))
    if (status === 409) throw new PosternError("LOG_ROLLED_BACK", `the signer: ${titleOf(body)}`)
    if (status !== 200) throw unavailable(`it answered with status ${status}: ${titleOf(body)}`)
    const signature = signatureIn(body)
    if (signature?.length === 64 && (await verifyEd25519(publicKey, message, signature))) {
      return signature
    }
    throw unavailable("its signature does not verify under signer.vkey")
  }
  return { vkey, signer: { name, keyId: noteKeyId(name, publicKey), sign } }
}

function ask(socketPath: string, body: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" }
    const signal = AbortSignal.timeout(answerMs)
    const asked = request({ socketPath, path: "/v1/sign", method: "POST", headers, signal })
    asked.on("error", (cause) => reject(unavailable(cause.message, cause)))
    asked.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
        if (text.length > answerBytesMax) response.destroy(unavailable("its answer is too long"))
      })
      response.on("error", (cause) => {
        reject(isPosternError(cause) ? cause : unavailable(cause.message, cause))
      })
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parsed(text) }))
    })
    asked.end(body)
  })
}

/** Undefined for anything that is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function signatureIn(body: unknown): Uint8Array | undefined {
  const { signature } = Object(body) as { signature?: unknown }
  return typeof signature === "string" ? parseBase64(signature) : undefined
}

function titleOf(body: unknown): string {
  const { title } = Object(body) as { title?: unknown }
  return typeof title === "string" ? JSON.stringify(title.slice(0, 200)) : "no reason given"
}

function unavailable(detail: string, cause?: unknown): PosternError {
  return new PosternError("SIGNER_UNAVAILABLE", detail, { cause })
}
