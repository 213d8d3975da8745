import { PosternError } from "@postern/log/base"

/**
 * What a body holds, by its content type: one JSON text, or one a line. UTF-8 only.
 * Errors: HTTP_CONTENT_TYPE.
 */
export function parseContentType(contentType: string): "json" | "lines" {
  const [type, ...parameters] = split(contentType)
  if (parameters.every((part) => part === "" || isUtf8(part))) {
    if (type === "application/json") return "json"
    if (type === "application/x-ndjson") return "lines"
  }
  throw wrongType(contentType)
}

/** The media type, in small letters, whatever else is said of it but another charset. Errors: HTTP_CONTENT_TYPE. */
export function readMediaType(contentType: string): string {
  const [type = "", ...parameters] = split(contentType)
  if (parameters.every((part) => !part.startsWith("charset") || isUtf8(part))) return type
  throw wrongType(contentType)
}

function split(contentType: string): string[] {
  return contentType.split(";").map((part) => part.trim().toLowerCase())
}

function isUtf8(parameter: string): boolean {
  return /^charset="?utf-8"?$/.test(parameter)
}

export function wrongType(contentType: string): PosternError {
  return new PosternError("HTTP_CONTENT_TYPE", contentType.slice(0, 100).replace(/[^ -~]/g, "?"))
}
