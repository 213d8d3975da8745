import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { decodeUtf8 } from "@postern/log/base"
import { invalid } from "./parameters.ts"

/** Where a search goes on: pinned to one tree size, one question and one reader. */
export interface SearchPosition {
  /** Size of the tree that is searched; entries that came later are not part of the answer. */
  readonly size: number
  /** Indexes that are still to be examined, half-open. */
  readonly from: number
  readonly to: number
}

export interface Cursors {
  format(position: SearchPosition, question: string): string
  /** @throws PosternError REQUEST_INVALID unless this process made the cursor for the same question */
  parse(text: string, question: string): SearchPosition
}

const macBytes = 16
const cursorPattern = /^[A-Za-z0-9_-]{24,120}$/

/**
 * Cursors are text of ours that a peer hands back, so they carry a MAC. The key lives as long as the process: a search
 * that was cut by a restart begins again. `question` names everything that must not change between pages.
 */
export function makeCursors(key: Uint8Array = randomBytes(32)): Cursors {
  const macOf = (payload: string, question: string): Buffer =>
    createHmac("sha256", key).update(`${payload}\n${question}`).digest().subarray(0, macBytes)

  function format({ size, from, to }: SearchPosition, question: string): string {
    const payload = `${size} ${from} ${to}`
    return Buffer.concat([macOf(payload, question), Buffer.from(payload)]).toString("base64url")
  }

  function parse(text: string, question: string): SearchPosition {
    const bytes = Buffer.from(cursorPattern.test(text) ? text : "", "base64url")
    const payload = decodeUtf8(bytes.subarray(macBytes)) ?? ""
    const match = /^(\d+) (\d+) (\d+)$/.exec(payload)
    const mac = bytes.subarray(0, macBytes)
    const ours = mac.length === macBytes && timingSafeEqual(mac, macOf(payload, question))
    // Base64url has several spellings of the same bytes; only the one that we wrote is taken.
    if (match === null || !ours || bytes.toString("base64url") !== text) {
      throw invalid(
        "cursor",
        "is not one that this reader process gave for this question; search again",
      )
    }
    return { size: Number(match[1]), from: Number(match[2]), to: Number(match[3]) }
  }

  return { format, parse }
}
