/** Base64 of text with a secret in it: one level is taken off, and only secrets known by their beginning are looked for. */
import { type Finding, noFindings } from "./hit.ts"
import { any64, endOf } from "./letters.ts"
import { findLiterals } from "./literals.ts"

const least = 20

const values = new Int8Array(128).fill(-1)
for (const [i, char] of [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
].entries())
  values[char.charCodeAt(0)] = i
values[0x2d] = 62
values[0x5f] = 63

export function findEncoded(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let at = 0; at < text.length; at++) {
    const to = endOf(text, at, any64)
    if (to - at >= least) {
      const decoded = decodeText(text, at, to)
      if (decoded !== undefined && findLiterals(decoded).length > 0) {
        found ??= []
        found.push({ name: "encoded-secret", from: at, to, whole: true })
      }
    }
    at = Math.max(at, to)
  }
  return found ?? noFindings
}

/** Undefined at the first byte that no text of ASCII has, which in anything else is soon. */
export function decodeText(text: string, from: number, to: number): string | undefined {
  let out = ""
  let [held, bits] = [0, 0]
  for (let at = from; at < to; at++) {
    held = ((held << 6) | (values[text.charCodeAt(at)] as number)) & 0x3fff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    const byte = (held >> bits) & 0xff
    if (byte > 126 || (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return undefined
    out += String.fromCharCode(byte)
  }
  return out
}
