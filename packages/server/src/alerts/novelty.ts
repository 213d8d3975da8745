const writersMax = 10_000
const addressesMax = 16

export interface Novelty {
  readonly writer: boolean
  readonly address: boolean
}

/**
 * Takes down from where a writer came, and says what of it is new. Of a writer that is new, or known
 * without one, its address is none besides.
 * @param from as in opening entries: address and port
 */
export function remember(known: Map<string, string[]>, writer: string, from: string): Novelty {
  const address = networkOf(from)
  const addresses = known.get(writer)
  known.delete(writer)
  if (addresses === undefined && known.size >= writersMax) {
    for (const [oldest] of known) {
      known.delete(oldest)
      break
    }
  }
  const before = addresses ?? []
  const rest = before.filter((one) => one !== address).slice(-(addressesMax - 1))
  known.set(writer, [...rest, address])
  return {
    writer: addresses === undefined,
    address: before.length > 0 && !before.includes(address),
  }
}

/** The address without its port; of an IPv6 address the first 64 bits, since hosts change the others as they like. */
function networkOf(from: string): string {
  const address = from
    .slice(0, 200)
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$|%.*$/g, "")
  if (!address.includes(":") || address.includes(".")) return address
  const [head = "", tail] = address.split("::")
  const groups = head === "" ? [] : head.split(":")
  if (tail !== undefined) {
    const behind = tail === "" ? [] : tail.split(":")
    while (groups.length + behind.length < 8) groups.push("0")
    groups.push(...behind)
  }
  return `${groups.slice(0, 4).join(":")}::/64`
}
