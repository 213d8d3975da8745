import { decodeText } from "./encoded.ts"
import { type Finding, noFindings } from "./hit.ts"
import { any64, endOf } from "./letters.ts"
import { remembered } from "./remembered.ts"

const [least, most] = [20, 512]
const bitsOf = { base64: 4, hex: 3 } as const

/** Fields that hold digests and identifiers: random by trade, and no secret. */
const knownFields =
  /(?:sha|sha1|sha256|sha512|md5|hash|digest|checksum|commit|revision|etag|fingerprint|thumbprint|uuid|uid|guid|trace|traceid|traceparent|tracestate|span|spanid|requestid|correlationid|auditid|eventid|id|ids|ref|kid|serial|cursor|image|version|integrity|signature|proof|root|leaf|chain)$/i

export const isKnownField = remembered((key) =>
  knownFields.test(key.slice(-64).replace(/[^A-Za-z0-9]/g, "")),
)

/** Runs of characters that look drawn by chance (Shannon), long enough for a key and of several kinds. */
export function findEntropy(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  for (let at = 0; at < text.length; at++) {
    let to = endOf(text, at, any64)
    if (to === at) continue
    while (text[to] === "=" && to < text.length) to++
    if (to - at >= least && isRandom(text, at, to)) {
      found ??= []
      found.push({ name: "entropy", from: at, to, whole: true })
    }
    at = to
  }
  return found ?? noFindings
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const labelled = /(?:sha(?:1|224|256|384|512)|md5|blake[23]b?)[:=-]$/i
const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

function isRandom(text: string, from: number, to: number): boolean {
  if (to - from > most) return false
  const run = text.slice(from, to)
  if (labelled.test(text.slice(Math.max(0, from - 8), from)) || labelled.test(run.slice(0, 7)))
    return false
  if (uuid.test(run) || traceparent.test(run)) return false
  const longest = run.split(/[/_=-]/).reduce((a, b) => (b.length > a.length ? b : a))
  if (/^[0-9a-f]+$/.test(longest) || /^[0-9A-F]+$/.test(longest))
    return (
      longest.length >= least &&
      /[a-fA-F]/.test(longest) &&
      /[0-9]/.test(longest) &&
      shannon(longest) >= bitsOf.hex
    )
  if (longest.length < 12 || !isMixed(longest)) return false
  // Words in base64 are words; a key in it has no spaces.
  if (decodeText(text, from, from + run.replace(/=+$/, "").length)?.includes(" ") === true)
    return false
  return shannon(run) >= bitsOf.base64
}

/** Small letters, capitals and digits, changing more often than in words. */
function isMixed(run: string): boolean {
  if (!/[a-z]/.test(run) || !/[A-Z]/.test(run) || !/[0-9]/.test(run)) return false
  let changes = 0
  for (let i = 1; i < run.length; i++) if (kindAt(run, i) !== kindAt(run, i - 1)) changes++
  return changes * 3 >= run.length
}

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code < 0x3a) return 0
  return code < 0x5b ? 1 : 2
}

/** Bits a character. */
function shannon(text: string): number {
  const counts = new Uint16Array(128)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    counts[code] = (counts[code] ?? 0) + 1
  }
  let bits = 0
  for (const count of counts)
    if (count > 0) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
