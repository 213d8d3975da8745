import { encodeUtf8 } from "@postern/log/base"
import type { SieveWorld } from "../../policy/sieve/index.ts"

const purpose = encodeUtf8("sample")
const drawnBytes = 6

/** Whether an event is among those kept (docs/spec/policy.md, Sampling): the same for the same writer and id, as long as the key lasts. */
export function isSampled(
  mac: SieveWorld["mac"],
  share: number,
  writer: string,
  id: Uint8Array,
): boolean {
  const { digest } = mac([purpose, encodeUtf8(writer), id])
  const drawn = Buffer.from(digest, "base64url").readUIntBE(0, drawnBytes)
  return drawn < share * 256 ** drawnBytes
}
