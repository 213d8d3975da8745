import type { IncomingMessage } from "node:http"
import { PosternError } from "@postern/log/base"
import { certificateRequestBytesMax } from "@postern/log/wire"
import { checkHead } from "./http-body.ts"

/** Where a writer gets a new certificate (docs/reference/write-http.md). */
export const certificatePath = "/v1/certificate"
/** RFC 8555 §9.1. */
export const certificateType = "application/pem-certificate-chain"
/** RFC 5967. */
const requestType = "application/pkcs10"

/** What the header of a certificate request says. Errors: HTTP_CONTENT_TYPE, HTTP_ENCODING, RENEWAL_REFUSED. */
export function checkCertificateRequest(request: IncomingMessage): void {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? ""
  if (type !== requestType) {
    throw new PosternError("HTTP_CONTENT_TYPE", `${requestType} is taken, in DER`)
  }
  checkHead(request)
  const announced = Number(request.headers["content-length"] ?? 0)
  if (announced > certificateRequestBytesMax) {
    throw new PosternError("RENEWAL_REFUSED", "it is longer than 4,096 bytes")
  }
}
