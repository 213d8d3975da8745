import { PosternError } from "@postern/log/base"

/**
 * What a body holds, by its content type: one JSON text, or one a line. UTF-8 only.
 * Errors: HTTP_CONTENT_TYPE.
 */
export function parseContentType(contentType: string): "json" | "lines" {
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase())
  const utf8 = parameters.every((part) => part === "" || /^charset="?utf-8"?$/.test(part))
  if (utf8 && type === "application/json") return "json"
  if (utf8 && type === "application/x-ndjson") return "lines"
  throw new PosternError("HTTP_CONTENT_TYPE", contentType.slice(0, 100).replace(/[^ -~]/g, "?"))
}
