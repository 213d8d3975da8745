import { PosternError, parseBase64 } from "@postern/log/base"
import { certificateRequestBytesMax } from "@postern/log/wire"

/** The kind of it in the postbox. */
export const renewalKind = "certificate"

/** What the relay hands to the courier. */
export interface AskedRenewal {
  /** PKCS#10, DER. */
  readonly request: Uint8Array
  /** The certificate that is to be renewed, DER: the one that the connection showed, or was given last. */
  readonly certificate: Uint8Array
}

const certificateBytesMax = 8192

export function formatAskedRenewal({ request, certificate }: AskedRenewal): object {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")
  return { request: base64(request), certificate: base64(certificate) }
}

/** Errors: REQUEST_INVALID. */
export function parseAskedRenewal(body: unknown): AskedRenewal {
  if (typeof body !== "object" || body === null) throw invalid("not an object")
  const { request, certificate, ...more } = body as Record<string, unknown>
  if (Object.keys(more).length > 0) throw invalid("an unknown member")
  return {
    request: bytesOf(request, certificateRequestBytesMax),
    certificate: bytesOf(certificate, certificateBytesMax),
  }
}

function bytesOf(value: unknown, bytesMax: number): Uint8Array {
  const bytes = typeof value === "string" ? parseBase64(value) : undefined
  if (bytes !== undefined && bytes.length > 0 && bytes.length <= bytesMax) return bytes
  throw invalid("not base64 of acceptable length")
}

function invalid(detail: string): PosternError {
  return new PosternError("REQUEST_INVALID", `a renewal: ${detail}`)
}
