import type { IncomingMessage } from "node:http"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { limits, PosternError } from "@postern/log/base"
import type { CreditPool } from "../session/index.ts"

const unpack = promisify(gunzip)

/** A request's body, and the credit it holds until `release`. */
export interface HttpBody {
  readonly bytes: Buffer
  release(): void
}

/**
 * Reads and unpacks a body within the limits; its bytes count against the port's one pool. Errors: HTTP_BODY_TOO_LARGE,
 * HTTP_ENCODING, HTTP_BODY_SYNTAX (not gzip after all), OVERLOADED, HTTP_TIMEOUT (the peer went away).
 */
export async function readBody(request: IncomingMessage, pool: CreditPool): Promise<HttpBody> {
  let taken = 0
  const take = (bytes: number): void => {
    if (!pool.take(bytes)) throw new PosternError("OVERLOADED")
    taken += bytes
  }
  const release = (): void => {
    pool.give(taken)
    taken = 0
  }
  try {
    const encoding = request.headers["content-encoding"] ?? "identity"
    if (encoding !== "identity" && encoding !== "gzip")
      throw new PosternError("HTTP_ENCODING", encoding.slice(0, 40))
    const packed = await collect(request, take)
    if (encoding === "identity") return { bytes: packed, release }
    const bytes = await inflate(packed)
    take(bytes.length)
    return { bytes, release }
  } catch (error) {
    release()
    throw error
  }
}

async function collect(request: IncomingMessage, take: (bytes: number) => void): Promise<Buffer> {
  const announced = Number(request.headers["content-length"] ?? 0)
  if (announced > limits.httpBodyBytesMax) throw new PosternError("HTTP_BODY_TOO_LARGE")
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > limits.httpBodyBytesMax) throw new PosternError("HTTP_BODY_TOO_LARGE")
      take(chunk.length)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof PosternError) throw error
    throw new PosternError("HTTP_TIMEOUT", "the body ended early", { cause: error })
  }
  return Buffer.concat(chunks, length)
}

async function inflate(packed: Buffer): Promise<Buffer> {
  const most = Math.min(
    limits.httpBodyInflatedBytesMax,
    packed.length * limits.httpBodyInflationMax,
  )
  try {
    return await unpack(packed, { maxOutputLength: Math.max(most, 1) })
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
    throw new PosternError(tooLarge ? "HTTP_BODY_TOO_LARGE" : "HTTP_BODY_SYNTAX", "gzip", { cause })
  }
}
