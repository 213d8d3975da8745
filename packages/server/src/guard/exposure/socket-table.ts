import { isIPv6, SocketAddress } from "node:net"
import { endianness } from "node:os"

/** A socket of this network namespace, as the kernel's table has it. */
export interface SocketRow {
  readonly protocol: "tcp" | "udp"
  readonly address: string
  readonly port: number
  readonly state: "listening" | "closing" | "other"
  readonly uid: number
  /** 0 once no process holds it. */
  readonly inode: number
}

/** Of include/net/tcp_states.h; TIME_WAIT holds a number, but a listener may take it. */
const states: Readonly<Record<string, SocketRow["state"]>> = { "0A": "listening", "06": "closing" }

/** The text of /proc/net/tcp, tcp6, udp or udp6 (proc_net(5)); lines of another form are passed over. */
export function parseSocketTable(text: string, protocol: SocketRow["protocol"]): SocketRow[] {
  return text.split("\n").flatMap((line): SocketRow[] => {
    const match =
      /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +(\d+) +\d+ (\d+)/.exec(
        line,
      )
    if (match === null) return []
    const [, address = "", port = "", state = "", uid, inode] = match
    return [
      {
        ...{ protocol, address: parseAddress(address), port: Number.parseInt(port, 16) },
        state: protocol === "tcp" ? (states[state] ?? "other") : "other",
        ...{ uid: Number(uid), inode: Number(inode) },
      },
    ]
  })
}

/** Words of 32 bits in the machine's own order. */
function parseAddress(hex: string): string {
  const bytes = Buffer.from(hex, "hex")
  if (endianness() === "LE") bytes.swap32()
  if (bytes.length === 4) return bytes.join(".")
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return plainAddress(groups.join(":"))
}

/** One spelling for each address, so that they can be compared; a zone is left out. */
export function plainAddress(address: string): string {
  const [plain = address] = address.split("%")
  if (!isIPv6(plain)) return plain
  return new SocketAddress({ address: plain, family: "ipv6" }).address
}
