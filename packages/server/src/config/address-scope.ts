import { BlockList, isIPv6 } from "node:net"

/** From where an address can be reached, as far as the address itself says. */
export type AddressScope = "loopback" | "link-local" | "private" | "public" | "wildcard"

/** What listens there is refused unless `listen.allow` names it. */
export const exposedScopes = ["wildcard", "public"] as const
export type ExposedScope = (typeof exposedScopes)[number]

const networks: readonly (readonly [AddressScope, readonly string[]])[] = [
  ["wildcard", ["0.0.0.0/32", "::/128"]],
  ["loopback", ["127.0.0.0/8", "::1/128"]],
  ["link-local", ["169.254.0.0/16", "fe80::/10"]],
  // RFC 1918, RFC 6598 (carriers' own), RFC 4193.
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]],
]

const lists = networks.map(([scope, texts]) => {
  const list = new BlockList()
  for (const text of texts) {
    const [network = "", prefix] = text.split("/")
    list.addSubnet(network, Number(prefix), familyOf(network))
  }
  return { scope, list }
})

/**
 * An address that stands in none of the lists is public. An IPv4 address in IPv6's clothes
 * (`::ffff:a.b.c.d`) is what it is without them.
 * @param address numeric; a zone (`%eth0`) is passed over
 */
export function scopeOf(address: string): AddressScope {
  const [plain = address] = address.split("%")
  const found = lists.find(({ list }) => list.check(plain, familyOf(plain)))
  return found?.scope ?? "public"
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4"
}
