import { PosternError } from "@postern/log/base"
import { certificateRequestBytesMax } from "@postern/log/wire"
import type { Context } from "hono"
import type { ReadEnv } from "./api.ts"
import { problemResponse } from "./problem.ts"
import type { ReadWorld } from "./world.ts"

/** Where a reader gets a new certificate: the one thing here that is no question. It appends no event. */
export const certificatePath = "/v1/certificate"
/** RFC 5967 and RFC 8555 §9.1. */
export const certificateTypes = {
  request: "application/pkcs10",
  answer: "application/pem-certificate-chain",
} as const

const bodyMs = 10_000

/** Answers a certificate request (PKCS#10, DER) with a certificate (PEM). Errors: NOT_GRANTED, and those of a renewal. */
export async function answerCertificate(
  world: Pick<ReadWorld, "grantOf" | "renew">,
  { env, req }: Context<ReadEnv>,
): Promise<Response> {
  const { peer } = env
  let request: Uint8Array
  try {
    if (world.grantOf(peer) === undefined) throw new PosternError("NOT_GRANTED", "none at all")
    request = await readRequest(req.raw)
  } catch (error) {
    if (!(error instanceof PosternError)) throw error
    const response = problemResponse(error)
    response.headers.set("connection", "close") // What is left of the body is not read.
    return response
  }
  return new Response(await world.renew(peer, request), {
    headers: {
      "content-type": certificateTypes.answer,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  })
}

/** Errors: HTTP_CONTENT_TYPE, HTTP_ENCODING, RENEWAL_REFUSED (too long), HTTP_TIMEOUT. */
async function readRequest({ headers, body }: Request): Promise<Uint8Array> {
  const type = (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase()
  if (type !== certificateTypes.request) {
    throw new PosternError("HTTP_CONTENT_TYPE", `${certificateTypes.request} is taken, in DER`)
  }
  if (headers.has("content-encoding")) throw new PosternError("HTTP_ENCODING")
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = body?.getReader()
  const late = setTimeout(() => void reader?.cancel().catch(() => undefined), bodyMs)
  const end = performance.now() + bodyMs
  try {
    for (;;) {
      const next = await reader?.read()
      if (performance.now() >= end) throw new PosternError("HTTP_TIMEOUT")
      if (next === undefined || next.done) return Buffer.concat(chunks)
      length += next.value.length
      if (length > certificateRequestBytesMax) {
        throw new PosternError("RENEWAL_REFUSED", "it is longer than 4,096 bytes")
      }
      chunks.push(next.value)
    }
  } finally {
    clearTimeout(late)
  }
}
