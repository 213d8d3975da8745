import { BlockList, isIP } from "node:net"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatNetwork, isInNetwork, parseNetwork } from "./network.ts"

describe("parseNetwork", () => {
  test.each([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["192.168.1.1/32", "192.168.1.1/32"],
    ["2001:DB8::/32", "2001:db8::/32"],
    ["2001:db8:0:0:1::/80", "2001:db8:0:0:1::/80"],
    ["::/0", "::/0"],
    ["::1/128", "::1/128"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["64:ff9b::1.2.3.4/128", "64:ff9b::102:304/128"],
  ])("reads %s as %s", (text, canonical) => {
    const network = parseNetwork(text)
    expect(network && formatNetwork(network)).toBe(canonical)
  })

  test.each([
    ...[
      "",
      "/",
      "10.0.0.0",
      "10.0.0.0/33",
      "10.0.0.0/08",
      "10.0.0/8",
      "010.0.0.0/8",
      "256.0.0.0/8",
    ],
    ...["::/129", ":::/1", "1::2::3/64", "12345::/16", "1:2:3:4:5:6:7/64", "1:2:3:4:5:6:7:8:9/64"],
    ...["1:2:3:4:5:6:7:8::/64", "::1.2.3/96", "1.2.3.4::/64", "a/b", "fe80::%eth0/64"],
  ])("refuses %s", (text) => {
    expect(parseNetwork(text)).toBeUndefined()
  })
})

describe("isInNetwork", () => {
  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/8", "::ffff:10.1.2.3", true],
    ["10.0.0.0/8", "::ffff:a01:203", true],
    ["10.0.0.0/8", "10.1.2.3:443", true],
    ["2001:db8::/32", "[2001:db8::1]:443", true],
    ["2001:db8::/32", "[2001:db8::1]", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "10.0.0.1", true],
    ["10.0.0.0/8", "10.1.2.3.4", false],
    ["10.0.0.0/8", "10.1.2", false],
    ["10.0.0.0/8", "", false],
    ["10.0.0.0/8", "10.0.0.0/8", false],
    ["10.0.0.0/8", "x".repeat(100_000), false],
  ])("%s, %s: %j", (network, address, isIn) => {
    expect(isInNetwork(address, parseNetwork(network)!)).toBe(isIn)
  })

  test("says what Node says", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6())
    const near = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.1.0.1", "2001:db8::1", "2001:db8::ff")
    const anyAddress = fc.oneof(address, near)
    let within = 0
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.nat(128), (base, other, length) => {
        const isV4 = isIP(base) === 4
        const bits = isV4 ? length % 33 : length
        const network = parseNetwork(`${base}/${bits}`)
        // Node takes IPv4 for something else than IPv6, unless it is mapped.
        fc.pre(isV4 === (isIP(other) === 4) && !/^[0:]*(?:ffff)?:\d+\./i.test(base + other))
        const list = new BlockList()
        list.addSubnet(base, bits, isV4 ? "ipv4" : "ipv6")
        const wanted = list.check(other, isV4 ? "ipv4" : "ipv6")
        expect(isInNetwork(other, network!)).toBe(wanted)
        if (wanted) within += 1
      }),
      { numRuns: 2000 },
    )
    expect(within).toBeGreaterThan(20)
  })
})
