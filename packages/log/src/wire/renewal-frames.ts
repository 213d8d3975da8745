import { PosternError } from "../base/index.ts"
import { certificateRequestBytesMax } from "./frame.ts"
import { decodeJsonBody, encodeJsonBody } from "./json-body.ts"
import { errorCodePattern, hintLengthMax } from "./session-frames.ts"

/** The frames by which a writer gets a new certificate: RENEW, RENEWED (docs/spec/wire.md, Renewal). */

/** What a port answers to a certificate request: a chain in PEM, leaf first, or why there is none. */
export type RenewalAnswer = { readonly certificate: string } | RefusedRenewal

export interface RefusedRenewal {
  /** A code of the error registry, or one of a newer port. */
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly detail?: string
}

const chainLengthMax = 32_768

/** The certificate request as it came (PKCS#10, DER). What is in it is for others to judge. Errors: FRAME_SYNTAX. */
export function decodeRenew(body: Uint8Array): Uint8Array {
  if (body.length > 0 && body.length <= certificateRequestBytesMax) return body
  throw new PosternError("FRAME_SYNTAX", "RENEW holds no certificate request")
}

export function encodeRenewed(answer: RenewalAnswer): Uint8Array {
  if ("certificate" in answer) return encodeJsonBody({ certificate: answer.certificate })
  const { code, message, hint, detail } = answer
  return encodeJsonBody({ code, message, hint, detail })
}

export function decodeRenewed(body: Uint8Array): RenewalAnswer {
  const json = decodeJsonBody("RENEWED", body)
  if (json.has("certificate")) return { certificate: json.text("certificate", 1, chainLengthMax) }
  return {
    code: json.matching("code", errorCodePattern, "an error code"),
    message: json.prose("message", hintLengthMax),
    hint: json.prose("hint", hintLengthMax),
    ...(json.has("detail") && { detail: json.prose("detail", 4096) }),
  }
}
