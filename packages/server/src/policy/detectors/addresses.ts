import { type Finding, noFindings } from "./hit.ts"
import { alphabet, endOf, hex, hexDigit, isAt } from "./letters.ts"

const versionKey = /(?:version|release|build|oid)$/i

/** IPv4 is cut to its /24, IPv6 to its /48. What names no host outside the machine, or is cut already, is left. */
export function findV4(text: string, key: string | undefined): readonly Finding[] {
  if (key !== undefined && versionKey.test(key)) return noFindings
  let found: Finding[] | undefined
  for (const match of text.matchAll(
    /(?<![0-9A-Za-z.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9])/g,
  )) {
    const from = match.index
    const octets = match[0].split(".").map(Number)
    if (octets.some((octet) => octet > 255) || isVersion(text, from)) continue
    const [first = 0, second, third, last] = octets
    if (first === 0 || first === 127 || first === 255 || last === 0) continue
    found ??= []
    const replacement = `${first}.${second}.${third}.0`
    found.push({ name: "ip-address", from, to: from + match[0].length, whole: false, replacement })
  }
  return found ?? noFindings
}

/** `Chrome/120.0.0.0`, `version 1.2.3.4`. */
function isVersion(text: string, from: number): boolean {
  if (!/[/ :="]/.test(text[from - 1] ?? "")) return false
  const before = text.slice(Math.max(0, from - 12), from)
  return /[A-Za-z)]\/$|(?:version|ver|release|oid)[ :=."]{0,2}$/i.test(before)
}

const longestV6 = 45
const fieldChars = alphabet(/[0-9A-Fa-f:.]/)

export function findV6(text: string): readonly Finding[] {
  let found: Finding[] | undefined
  let at = text.indexOf(":")
  while (at !== -1) {
    let from = at
    while (at - from < 5 && isAt(text, from - 1, hex)) from--
    const end = endOf(text, at, fieldChars)
    const finding = end - from > longestV6 ? undefined : v6At(text, from, end)
    if (finding !== undefined) {
      found ??= []
      found.push(finding)
    }
    at = text.indexOf(":", end)
  }
  return found ?? noFindings
}

function v6At(text: string, from: number, end: number): Finding | undefined {
  let to = end
  while (to > from && (text[to - 1] === "." || (text[to - 1] === ":" && text[to - 2] !== ":"))) to--
  if (to - from < 6 || isAt(text, to, wordChars) || isAt(text, from - 1, beforeChars))
    return undefined
  if (text.indexOf(":", text.indexOf(":", from) + 1) >= to) return undefined
  const written = text.slice(from, to)
  const replacement = readV6(written) ? networkOf(written) : undefined
  if (replacement === undefined) return undefined
  return { name: "ip-address", from, to, whole: false, replacement }
}

const wordChars = alphabet(/\w/)
const beforeChars = alphabet(/[\w.:-]/)

/** Of the address that was read last: eight of 16 bits. */
const fields = new Uint16Array(8)

/** Reads an address into `fields`. */
function readV6(written: string): boolean {
  const text = written.includes(".") ? withoutDots(written) : written
  let at = text.startsWith("::") ? 2 : 0
  let gap = at === 2 ? 0 : -1
  let count = 0
  while (at < text.length) {
    const end = endOf(text, at, hex)
    if (end === at || end - at > 4 || count === 8) return false
    let field = 0
    for (; at < end; at++) field = 16 * field + hexDigit(text.charCodeAt(at))
    fields[count] = field
    count += 1
    if (end === text.length) break
    at = end + 1
    if (text[end] !== ":" || at === text.length) return false
    if (text[at] !== ":") continue
    if (gap !== -1) return false
    gap = count
    at += 1
  }
  if (gap === -1) return count === 8
  if (count === 8) return false
  fields.copyWithin(8 - count + gap, gap, count)
  fields.fill(0, gap, 8 - count + gap)
  return true
}

/** The last 32 bits may be written as IPv4. */
function withoutDots(written: string): string {
  return written.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const [a = 0, b = 0, c = 0, d = 0] = dotted.split(".").map(Number)
    return [(a << 8) | b, (c << 8) | d].map((field) => field.toString(16)).join(":")
  })
}

/** Of what was read; undefined for what is no address of a host, or is the network already. */
function networkOf(written: string): string | undefined {
  const [first = 0, second = 0, third = 0] = fields
  const dotted = written.includes(".") ? /(\d+\.\d+\.\d+)\.(\d+)$/.exec(written) : null
  if (dotted !== null)
    return dotted[2] === "0" ? undefined : `${written.slice(0, dotted.index)}${dotted[1]}.0`
  const isMapped = isZero(0, 5) && fields[5] === 0xffff
  const isHost =
    (first >= 0x2000 && first < 0x4000) || first >= 0xfc00 || isMapped || first === 0x64
  if (!isHost || first >= 0xff00) return undefined
  if (isMapped) return "::ffff:0:0"
  if (isZero(3, 8)) return undefined
  if (third !== 0) return `${shown(first)}:${shown(second)}:${shown(third)}::`
  return second === 0 ? `${shown(first)}::` : `${shown(first)}:${shown(second)}::`
}

function isZero(from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (fields[i] !== 0) return false
  return true
}

function shown(field: number): string {
  return field.toString(16)
}
