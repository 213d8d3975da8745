/** A network: every address whose first `bits` bits are those of `address`. */
export interface Cidr {
  readonly family: 4 | 6
  /** The first address, as a number; its host bits are zero. */
  readonly address: bigint
  readonly bits: number
}

export const addressBits = { 4: 32, 6: 128 } as const

/** Undefined for what formatCidr() would not write: one spelling for one network. */
export function parseCidr(text: string): Cidr | undefined {
  const cidr = readCidr(text)
  return cidr !== undefined && formatCidr(cidr) === text ? cidr : undefined
}

/** How a network that was nearly right is written; undefined if it cannot be told what was meant. */
export function suggestCidr(text: string): string | undefined {
  const cidr = readCidr(text)
  return cidr === undefined ? undefined : formatCidr(cidr)
}

/** `10.1.2.0/24`, `fd00:1::/64` (RFC 4632, RFC 5952). */
export function formatCidr({ family, address, bits }: Cidr): string {
  return `${family === 4 ? formatV4(address) : formatV6(address)}/${bits}`
}

/** Reads more than formatCidr() writes: host bits, other spellings of IPv6, an address without its length. */
function readCidr(text: string): Cidr | undefined {
  const match = /^([0-9A-Fa-f:.]{2,45})(?:\/(0|[1-9]\d{0,2}))?$/.exec(text)
  if (match === null) return undefined
  const [, digits = "", length] = match
  const family = digits.includes(":") ? 6 : 4
  const address = family === 4 ? readV4(digits) : readV6(digits)
  const bits = length === undefined ? addressBits[family] : Number(length)
  if (address === undefined || bits > addressBits[family]) return undefined
  const hostBits = BigInt(addressBits[family] - bits)
  return { family, address: (address >> hostBits) << hostBits, bits }
}

function readV4(text: string): bigint | undefined {
  const parts = text.split(".")
  if (parts.length !== 4) return undefined
  return join(parts, 8n, (part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256))
}

/** Without a dotted IPv4 tail: such addresses never stand in a packet's IPv6 header by that name. */
function readV6(text: string): bigint | undefined {
  const halves = text.split("::")
  if (halves.length > 2) return undefined
  const [head = [], tail] = halves.map((half) => (half === "" ? [] : half.split(":")))
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const parts = [...head, ...new Array<string>(missing).fill("0"), ...(tail ?? [])]
  return join(parts, 16n, (part) =>
    /^[0-9A-Fa-f]{1,4}$/.test(part) ? Number.parseInt(part, 16) : 65_536,
  )
}

function join(
  parts: readonly string[],
  bits: bigint,
  numberOf: (part: string) => number,
): bigint | undefined {
  let all = 0n
  for (const part of parts) {
    const value = BigInt(numberOf(part))
    if (value >> bits !== 0n) return undefined
    all = (all << bits) | value
  }
  return all
}

function formatV4(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 0xffn).join(".")
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero fields as `::`. */
function formatV6(address: bigint): string {
  const fields = Array.from({ length: 8 }, (_, i) =>
    ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  )
  let [start, length] = [0, 1]
  for (let at = 0; at < 8; at++) {
    let end = at
    while (fields[end] === "0") end++
    if (end - at > length) [start, length] = [at, end - at]
  }
  if (length === 1) return fields.join(":")
  return `${fields.slice(0, start).join(":")}::${fields.slice(start + length).join(":")}`
}
