import { isIP, isIPv4, isIPv6 } from "node:net"

/**
 * Where to listen or to connect: an IP address or a host name, and a port. Port 0 = any free one.
 */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:17514`, `[::1]:17514` or `name:17514`; undefined for anything else. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]{1,253})):(0|[1-9][0-9]{0,4})$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, bare, digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined
  if (bare === undefined || !isHostName(bare)) return undefined
  return { host: bare, port }
}

/** What parseHostPort() reads. */
export function formatHostPort(address: HostPort): string {
  return isIP(address.host) === 6
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}

/** An IPv4 address or a DNS name (RFC 1123); what is all digits and dots must be an address. */
export function isHostName(text: string): boolean {
  if (/^[0-9.]+$/.test(text)) return isIPv4(text)
  if (text.length > 253) return false
  return text
    .split(".")
    .every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label))
}
