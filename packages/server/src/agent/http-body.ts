import type { IncomingMessage } from "node:http"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { decodeUtf8, limits, PosternError } from "@postern/log/base"
import { type Format, formats } from "../formats/index.ts"
import { arrayItems, memberOf } from "./records/index.ts"

const inflate = promisify(gunzip)

/** What a path takes. */
export interface HttpPath {
  readonly format: Format | undefined
  /** Whether a body may be lines, and where in an object its records are. */
  readonly takesLines: boolean
  readonly list: string | undefined
}

/** As on the write port (docs/reference/write-http.md). */
export const httpPaths: ReadonlyMap<string, HttpPath> = new Map([
  ["/v1/events", { format: formats.get("json"), takesLines: true, list: undefined }],
  ["/v1/kubernetes/audit", { format: formats.get("kubernetes"), takesLines: false, list: "items" }],
])

/** Errors: HTTP_BODY_TOO_LARGE, HTTP_ENCODING, HTTP_BODY_SYNTAX if it cannot be unpacked. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    // The rest is let pass: whoever is cut off while it sends never gets to its answer (RFC 9112 §9.6).
    if (bytes > limits.httpBodyBytesMax) parts.length = 0
    else parts.push(part)
  }
  if (bytes > limits.httpBodyBytesMax) throw new PosternError("HTTP_BODY_TOO_LARGE")
  const body = Buffer.concat(parts)
  const encoding = request.headers["content-encoding"] ?? "identity"
  if (encoding === "identity") return body
  if (encoding !== "gzip") throw new PosternError("HTTP_ENCODING", encoding)
  return inflate(body, { maxOutputLength: limits.httpBodyInflatedBytesMax }).catch((cause) => {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE"
    const code = isTooLarge ? "HTTP_BODY_TOO_LARGE" : "HTTP_BODY_SYNTAX"
    throw new PosternError(code, "the body cannot be unpacked", { cause })
  })
}

/** The records of a body, byte for byte. Errors: HTTP_CONTENT_TYPE, HTTP_BODY_SYNTAX, HTTP_BODY_TOO_LARGE. */
export function bodyRecords(path: HttpPath, contentType: string, body: Buffer): Buffer[] {
  const type = contentType.split(";")[0]?.trim().toLowerCase()
  const records =
    type === "application/x-ndjson" && path.takesLines
      ? linesOf(body)
      : type === "application/json"
        ? itemsOf(path, body)
        : undefined
  if (records === undefined) throw new PosternError("HTTP_CONTENT_TYPE", contentType)
  if (records.length > limits.httpBodyEventsMax) throw new PosternError("HTTP_BODY_TOO_LARGE")
  return records
}

function linesOf(body: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(0x0a, at)
    const line = body.subarray(at, end < 0 ? body.length : end)
    if (!/^\s*$/.test(line.toString("latin1"))) lines.push(line)
    at += line.length + 1
  }
  return lines
}

function itemsOf({ list }: HttpPath, body: Buffer): Buffer[] {
  const text = decodeUtf8(body)
  let value: unknown
  try {
    value = JSON.parse(text ?? "")
  } catch (cause) {
    throw new PosternError("HTTP_BODY_SYNTAX", undefined, { cause })
  }
  if (Array.isArray(value) && list === undefined) return arrayItems(body)
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PosternError("HTTP_BODY_SYNTAX")
  }
  const items = list === undefined ? undefined : memberOf(body, list)
  if (items === undefined) return [body]
  if (!Array.isArray((value as Record<string, unknown>)[list as string])) {
    throw new PosternError("HTTP_BODY_SYNTAX", `${list} is not a list`)
  }
  return arrayItems(items)
}
