/** What HTTP carries besides what a name or a shape gives away: headers of gateways and clouds, signatures of URLs. */
import { type Finding, noFindings } from "./hit.ts"

export const secretHeaders = [
  ...["authorization", "proxy-authorization", "cookie", "set-cookie", "x-auth-key", "dpop"],
  ...[
    "ocp-apim-subscription-key",
    "x-functions-key",
    "x-goog-iap-jwt-assertion",
    "x-amz-signature",
  ],
  ...["cf-access-jwt-assertion", "x-amzn-oidc-data", "x-session-id", "x-hub-signature-256"],
  ...["x-hub-signature", "x-shopify-hmac-sha256", "x-forwarded-client-cert"],
]
const headers = new Set(secretHeaders)
const letterR = 0x72
const letterS = 0x73

/** Asked about every text: most names are told by their last letter. */
function isHeaders(name: string | undefined): boolean {
  if (name === undefined || name.length < 6) return false
  const last = name.charCodeAt(name.length - 1) | 0x20
  return (last === letterR || last === letterS) && /headers?$/i.test(name)
}

/**
 * A header's value, in a map of headers or in a list of lines `Name: value`; or a parameter of a URL.
 * @param hasQuery whether there is a `?` or a `&` in it
 */
export function findHttp(
  text: string,
  hasQuery: boolean,
  key: string | undefined,
  path: readonly string[],
): readonly Finding[] {
  if (text === "") return noFindings
  if (isHeaders(path.at(-1)) || isHeaders(path.at(-2))) {
    const name = key ?? path.at(-1) ?? ""
    if (headers.has(name.toLowerCase())) return [header(text, 0)]
    const line = /^([A-Za-z0-9-]{2,40}):[ \t]*(?=\S)/.exec(text)
    if (line !== null && headers.has((line[1] as string).toLowerCase()))
      return [header(text, line[0].length)]
  }
  return hasQuery ? findSigned(text) : noFindings
}

function header(text: string, from: number): Finding {
  return { name: "http-header", from, to: text.length, whole: from === 0 }
}

function findSigned(text: string): readonly Finding[] {
  const found: Finding[] = []
  for (const match of text.matchAll(
    /[?&](?:sig|(?:x-(?:amz|goog)-)?signature|code)=([^&#\s"]{8,})/gi,
  )) {
    const to = match.index + match[0].length
    found.push({ name: "url-signature", from: to - (match[1] as string).length, to, whole: false })
  }
  return found
}
