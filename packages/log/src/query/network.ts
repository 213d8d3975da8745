import type { IpNetwork } from "./query.ts"

const groupCount = 8
/** Groups before the last two of an IPv4-mapped address (RFC 4291 §2.5.5.2). */
const mappedPrefix = [0, 0, 0, 0, 0, 0xffff]
const mappedBits = 96
/** The longest address with brackets and port is far below; what is longer need not be looked at. */
const addressLengthMax = 64

/**
 * `10.0.0.0/8`, `2001:db8::/32`; bits beyond the prefix are dropped. undefined for what is no
 * network.
 */
export function parseNetwork(text: string): IpNetwork | undefined {
  const match = /^([0-9A-Fa-f.:]{2,45})\/(\d{1,3})$/.exec(text)
  const groups = match === null ? undefined : parseGroups(match[1] as string)
  if (match === null || groups === undefined) return undefined
  const isV4 = !text.includes(":")
  const length = Number(match[2])
  if (length > (isV4 ? 32 : 128) || String(length) !== match[2]) return undefined
  const bits = isV4 ? length + mappedBits : length
  return { groups: groups.map((group, i) => group & maskOf(bits, i)), bits }
}

/**
 * Whether a text is an address in the network: IPv4, IPv6 or IPv4-mapped, with or without a port
 * behind it (`10.1.2.3:443`, `[2001:db8::1]:443`).
 */
export function isInNetwork(text: string, { groups, bits }: IpNetwork): boolean {
  if (text.length > addressLengthMax) return false
  const [, inBrackets, v4WithPort] =
    /^\[([^\]]*)\](?::\d{1,5})?$|^([\d.]+):\d{1,5}$/.exec(text) ?? []
  const address = parseGroups(inBrackets ?? v4WithPort ?? text)
  if (address === undefined) return false
  return groups.every((group, i) => group === ((address[i] as number) & maskOf(bits, i)))
}

export function formatNetwork({ groups, bits }: IpNetwork): string {
  const isV4 = bits >= mappedBits && mappedPrefix.every((group, i) => groups[i] === group)
  if (!isV4) return `${shorten(groups)}/${bits}`
  const bytes = groups.slice(-2).flatMap((group) => [group >>> 8, group & 0xff])
  return `${bytes.join(".")}/${bits - mappedBits}`
}

/** Eight groups, or undefined for what is no address. */
function parseGroups(text: string): number[] | undefined {
  if (!text.includes(":")) {
    const v4 = parseV4(text)
    return v4 === undefined ? undefined : [...mappedPrefix, ...v4]
  }
  const sides = text.split("::")
  if (sides.length > 2) return undefined
  const [left, right] = sides.map((side, i) => parseSide(side, i === sides.length - 1))
  if (left === undefined) return undefined
  if (sides.length === 1) return left.length === groupCount ? left : undefined
  if (right === undefined) return undefined
  const missing = groupCount - left.length - right.length
  return missing < 1 ? undefined : [...left, ...Array<number>(missing).fill(0), ...right]
}

/** Groups between colons; the last may be an IPv4 address. */
function parseSide(text: string, isLast: boolean): number[] | undefined {
  if (text === "") return []
  const groups: number[] = []
  const parts = text.split(":")
  for (const [i, part] of parts.entries()) {
    const v4 = isLast && i === parts.length - 1 && part.includes(".") ? parseV4(part) : undefined
    if (v4 !== undefined) groups.push(...v4)
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups.length > groupCount ? undefined : groups
}

function parseV4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (match === null) return undefined
  // A leading zero would be octal to some and decimal to others.
  const parts = match.slice(1)
  if (parts.some((part) => Number(part) > 255 || String(Number(part)) !== part)) return undefined
  const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number)
  return [a * 256 + b, c * 256 + d]
}

/** The bits of group `i` that belong to a prefix of `bits`. */
function maskOf(bits: number, i: number): number {
  const own = Math.min(16, Math.max(0, bits - i * 16))
  return (0xffff << (16 - own)) & 0xffff
}

/** RFC 5952: the longest run of zero groups, of two at least, becomes `::`. */
function shorten(groups: readonly number[]): string {
  let best = { at: 0, length: 1 }
  for (let at = 0; at < groupCount; at++) {
    let length = 0
    while (groups[at + length] === 0) length += 1
    if (length > best.length) best = { at, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.length < 2) return hex.join(":")
  return `${hex.slice(0, best.at).join(":")}::${hex.slice(best.at + best.length).join(":")}`
}
