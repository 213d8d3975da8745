import { assert, concatBytes, encodeUtf8 } from "@postern/log/base"

/**
 * One DER value (X.690 §8.1): tag, length in the shortest form, content. Up to 65,535 bytes of
 * content.
 */
export function encodeDer(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...content)
  const n = body.length
  assert(n < 0x1_0000, "a DER value here is short")
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff]
  return concatBytes(Uint8Array.from([tag, ...length]), body)
}

/**
 * Value of the name constraints extension (RFC 5280 §4.2.1.10): URI names only of this host, which
 * is the SPIFFE trust domain. Other kinds of names (DNS, IP) are not constrained by it.
 */
export function encodeUriConstraint(host: string): Uint8Array {
  const base = encodeDer(0x86, encodeUtf8(host)) // GeneralName [6] uniformResourceIdentifier
  const permitted = encodeDer(0xa0, encodeDer(0x30, base)) // [0] permittedSubtrees: one subtree
  return encodeDer(0x30, permitted)
}
