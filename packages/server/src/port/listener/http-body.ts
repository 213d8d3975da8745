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

/** Where a body's reader can be told, while it reads, that nothing more will come. */
export interface BodyWatch {
  interrupt: ((error: PosternError) => void) | undefined
}

/**
 * What a header says of the body, before any of it is read. Errors: HTTP_ENCODING, HTTP_BODY_TOO_LARGE.
 */
export function checkHead(request: IncomingMessage): void {
  encodingOf(request)
  const announced = Number(request.headers["content-length"] ?? 0)
  if (announced > limits.httpBodyBytesMax) throw new PosternError("HTTP_BODY_TOO_LARGE")
}

function encodingOf(request: IncomingMessage): "identity" | "gzip" {
  const encoding = (request.headers["content-encoding"] ?? "identity").toLowerCase()
  if (encoding === "identity" || encoding === "gzip") return encoding
  throw new PosternError("HTTP_ENCODING", encoding.slice(0, 40).replace(/[^ -~]/g, "?"))
}

/**
 * Reads and unpacks a body within the limits; its bytes count against the writer's share of the pool before they are taken.
 * Errors: HTTP_BODY_TOO_LARGE, HTTP_ENCODING, HTTP_BODY_SYNTAX (not gzip after all), OVERLOADED, HTTP_TIMEOUT (the peer
 * went away). The request is not destroyed, so that the peer can be told.
 */
export async function readBody(
  request: IncomingMessage,
  pool: CreditPool,
  watch: BodyWatch,
): Promise<HttpBody> {
  let taken = 0
  const take = (bytes: number): void => {
    if (!pool.take(bytes)) throw new PosternError("OVERLOADED", pool.shortage(bytes))
    taken += bytes
  }
  const release = (): void => {
    pool.give(taken)
    taken = 0
  }
  try {
    const encoding = encodingOf(request)
    const packed = await collect(request, take, watch)
    const bytes = encoding === "identity" ? packed : await inflate(packed, take)
    return { bytes, release }
  } catch (error) {
    release()
    throw error
  }
}

function collect(
  request: IncomingMessage,
  take: (bytes: number) => void,
  watch: BodyWatch,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    // The next request may have begun: then the watch is its own by now.
    const unwatch = (): void => {
      if (watch.interrupt === stop) watch.interrupt = undefined
    }
    const stop = (error: PosternError): void => {
      unwatch()
      request.off("data", gather)
      chunks.length = 0
      reject(error)
    }
    const gather = (chunk: Buffer): void => {
      length += chunk.length
      if (length > limits.httpBodyBytesMax) return stop(new PosternError("HTTP_BODY_TOO_LARGE"))
      try {
        take(chunk.length)
        chunks.push(chunk)
      } catch (error) {
        stop(error as PosternError)
      }
    }
    const early = (cause?: Error): void => {
      stop(new PosternError("HTTP_TIMEOUT", "the body ended early", { cause }))
    }
    watch.interrupt = stop
    request.on("data", gather)
    request.once("end", () => {
      unwatch()
      const whole = Buffer.concat(chunks, length)
      // The request holds this listener, and lives until it is answered.
      chunks.length = 0
      resolve(whole)
    })
    request.once("error", early)
    request.once("close", () => early())
  })
}

/**
 * The room is taken before it is filled: as much as the last bytes of a gzip member say (RFC 1952 §2.3.1, ISIZE), and
 * only if that was not true (or there are more members), as much as is allowed at all.
 */
async function inflate(packed: Buffer, take: (bytes: number) => void): Promise<Buffer> {
  const { httpBodyInflatedBytesMax, httpBodyInflationMax } = limits
  const most = Math.min(httpBodyInflatedBytesMax, packed.length * httpBodyInflationMax)
  const said = packed.length < 18 ? most : packed.readUInt32LE(packed.length - 4)
  if (said <= most) {
    take(said)
    const whole = await unpackWithin(packed, said)
    if (whole !== undefined) return whole
  }
  take(said <= most ? most - said : most)
  const bytes = await unpackWithin(packed, most)
  if (bytes === undefined) throw new PosternError("HTTP_BODY_TOO_LARGE", "unpacked")
  return bytes
}

/** Undefined if there is more. */
async function unpackWithin(packed: Buffer, bytesMax: number): Promise<Buffer | undefined> {
  try {
    return await unpack(packed, { maxOutputLength: Math.max(bytesMax, 1) })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return undefined
    throw new PosternError("HTTP_BODY_SYNTAX", "it is not gzip", { cause })
  }
}
