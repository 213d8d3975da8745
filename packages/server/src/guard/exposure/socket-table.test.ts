import { once } from "node:events"
import { readFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { endianness } from "node:os"
import { expect, test } from "vitest"
import { findHolders } from "./socket-holders.ts"
import { parseSocketTable, plainAddress } from "./socket-table.ts"

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
const line = (local: string, state: string, uid: number, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 00 0`

test.runIf(endianness() === "LE")("reads addresses, ports, states and owners", () => {
  const six = "0000000000000000"
  const text = [
    head,
    line("0100007F:446A", "0A", 1000, 77),
    line("0700000A:446A", "01", 0, 78),
    line("00000000:0050", "06", 33, 0),
    line(`${six}0000000001000000:446B`, "0A", 1000, 79),
    line(`${six}FFFF00000700000A:446B`, "0A", 1000, 80),
    "garbage",
    "",
  ].join("\n")
  const rows = parseSocketTable(text, "tcp").map((row) => Object.values(row).join(" "))
  expect(rows).toEqual([
    "tcp 127.0.0.1 17514 listening 1000 77",
    "tcp 10.0.0.7 17514 other 0 78",
    "tcp 0.0.0.0 80 closing 33 0",
    "tcp ::1 17515 listening 1000 79",
    "tcp ::ffff:10.0.0.7 17515 listening 1000 80",
  ])
  expect(parseSocketTable(line("00000000:0043", "0A", 0, 1), "udp")[0]?.state).toBe("other")
})

test("one address has one spelling", () => {
  expect(["0:0::1", "FD00::0007", "fe80::1%eth0", "10.0.0.7"].map(plainAddress)).toEqual([
    ...["::1", "fd00::7", "fe80::1", "10.0.0.7"],
  ])
})

test.runIf(process.platform === "linux")(
  "finds a socket of ours, and that we hold it",
  async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const rows = parseSocketTable(readFileSync("/proc/net/tcp", "utf8"), "tcp")
    const row = rows.find((one) => one.port === port && one.state === "listening")
    server.close()
    const uid = process.getuid?.()
    expect(row).toMatchObject({ address: "127.0.0.1", uid })
    const inode = row?.inode ?? 0
    // It was closed meanwhile or not: whoever is found must be this very process.
    const holders = findHolders(new Set([inode]), "/").get(inode) ?? []
    for (const holder of holders) expect(holder).toMatchObject({ pid: process.pid, uid })
  },
)
