import type { X509Certificate } from "node:crypto"
import { PosternError } from "@postern/log/base"

const idPattern = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)+$/
const idBytesMax = 2048

/**
 * OIDs of extended key usage (RFC 5280 §4.2.1.12); node's `keyUsage` of a certificate lists these.
 */
const usageOids = { client: "1.3.6.1.5.5.7.3.2", server: "1.3.6.1.5.5.7.3.1" } as const

/**
 * A SPIFFE ID as it must be spelled: lower-case trust domain, a path of plain segments, none of
 * them `.` or `..`; no user, port, query, fragment or percent sign. Judged as text: a URL parser
 * would tidy up what is to be refused.
 */
export function isSpiffeId(text: string): boolean {
  if (text.length > idBytesMax || !idPattern.test(text)) return false
  return !text.split("/").some((segment) => segment === "." || segment === "..")
}

/**
 * The one SPIFFE ID of a certificate whose chain, dates and key were verified by TLS already. That
 * is not enough: TLS accepts leaves without a usage, with two names, with names that only look
 * right. `usage` is what the peer does on this connection. Errors: CERTIFICATE_REFUSED with the
 * reason; everything in the certificate is hostile.
 */
export function spiffeIdOf(
  certificate: X509Certificate,
  usage: keyof typeof usageOids = "client",
): string {
  const names = certificate.subjectAltName ?? ""
  // Node quotes a name that holds a comma or a control character; splitting such a text would be
  // guessing.
  if (names.includes('"')) throw refused("a subject alternative name holds unusual characters")
  const uris = names.split(", ").filter((name) => name.startsWith("URI:"))
  if (uris.length !== 1) throw refused(`${uris.length} URI names instead of one`)
  const id = (uris[0] ?? "").slice("URI:".length)
  if (!isSpiffeId(id)) throw refused("the URI name is not a SPIFFE ID")
  if (certificate.ca) throw refused("it is a CA certificate")
  if (!(certificate.keyUsage ?? []).includes(usageOids[usage])) {
    throw refused(`it is not made for ${usage}s (extended key usage ${usage}Auth)`)
  }
  return id
}

function refused(detail: string): PosternError {
  return new PosternError("CERTIFICATE_REFUSED", detail)
}
