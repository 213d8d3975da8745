import { parseHex, verifyEd25519 } from "@postern/log/base"

/** RFC 8032 §7.1, test 2: a signature that any implementation of Ed25519 finds right. */
const publicKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
const message = "72"
const signature =
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"

/** Whether this browser can check the signatures of a log; if not, why, in a sentence for a person. */
export async function whyNoSignatures(): Promise<string | undefined> {
  if (globalThis.crypto?.subtle === undefined) {
    return "This browser does not let a page that was opened from a file check signatures."
  }
  try {
    const key = parseHex(publicKey) as Uint8Array
    const said = parseHex(message) as Uint8Array
    const signed = parseHex(signature) as Uint8Array
    if (!(await verifyEd25519(key, said, signed)))
      return "This browser finds a right signature wrong."
    signed[0] = (signed[0] as number) ^ 1
    return (await verifyEd25519(key, said, signed))
      ? "This browser finds a wrong signature right."
      : undefined
  } catch {
    return "This browser cannot check Ed25519 signatures." // It says so by throwing.
  }
}
