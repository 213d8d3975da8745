import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { suggestCidr } from "./cidr.ts"
import { addIdentity, formatCidr, parseAccess, parseCidr } from "./index.ts"

const id = "spiffe://postern.local/reader/a"
const listOf = (from: string, role = "reader", rest = "grant: { see: auditor }") =>
  `identities:\n  - id: ${id}\n    role: ${role}\n    ${rest}\n    from:\n${from}`

describe("a network", () => {
  test.each([
    "0.0.0.0/0",
    "10.1.2.0/24",
    "255.255.255.255/32",
    "::/0",
    "::1/128",
    "1::/16",
    "fd00:1::/64",
    "2001:db8:0:1:1:1:1:1/128",
    "2001:db8::1:0:0:1/128",
    "1:0:0:2::/64",
  ])("is written %s", (text) => {
    const cidr = parseCidr(text)
    expect(cidr && formatCidr(cidr)).toBe(text)
  })

  test.each([
    ["10.1.2.3/24", "10.1.2.0/24"],
    ["10.1.2.3", "10.1.2.3/32"],
    ["FD00:0001::/64", "fd00:1::/64"],
    ["fd00:1:0:0:0:0:0:0/64", "fd00:1::/64"],
    ["1::2:0:0:0/64", "1::/64"],
    ["fd00::1/64", "fd00::/64"],
    ["0:0:0:0:0:0:0:1", "::1/128"],
  ])("%s is refused, for it is written %s", (text, suggestion) => {
    expect([parseCidr(text), suggestCidr(text)]).toEqual([undefined, suggestion])
  })

  test.each([
    ...[
      "",
      "10.1.2/24",
      "10.1.2.0/33",
      "10.1.2.256/32",
      "010.0.0.0/8",
      "10.0.0.0/08",
      "10.0.0.0/-1",
    ],
    ...[
      "::/129",
      ":::/64",
      "1::2::3/64",
      "1:2:3:4:5:6:7/128",
      "1:2:3:4:5:6:7:8::/128",
      "12345::/16",
    ],
    ...["fe80::1%eth0/128", "::ffff:10.0.0.1/128", "10.0.0.0/24\n", " 10.0.0.0/24", "app.example"],
    ...[":1::/16", "1:/16", "10.0.0.0/24/24"],
  ])("%j is none", (text) =>
    expect([parseCidr(text), suggestCidr(text)]).toEqual([undefined, undefined]),
  )

  test("is read back from what is written, and holds no host bits", () => {
    const numbers = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
    fc.assert(
      fc.property(fc.constantFrom(4 as const, 6 as const), numbers, fc.nat(128), (family, n, b) => {
        const width = family === 4 ? 32 : 128
        const bits = b % (width + 1)
        const host = BigInt(width - bits)
        const address = ((n & ((1n << BigInt(width)) - 1n)) >> host) << host
        const cidr = { family, address, bits }
        expect(parseCidr(formatCidr(cidr))).toEqual(cidr)
        // Node's own reader of addresses is the other opinion.
        const [text = ""] = formatCidr(cidr).split("/")
        expect(new URL(`http://${family === 4 ? text : `[${text}]`}`).hostname).toBe(
          family === 4 ? text : `[${text}]`,
        )
      }),
    )
  })
})

describe("the places of an identity", () => {
  test("are networks, pods and security groups", () => {
    const from = `      - cidr: "fd00:1::/64"
      - kubernetes: { namespace: payments, labels: { app.kubernetes.io/name: api }, serviceAccount: api }
      - awsSecurityGroup: sg-0123456789abcdef0
`
    expect(parseAccess(listOf(from)).identities[0]).toMatchObject({
      from: [
        { cidr: "fd00:1::/64" },
        { kubernetes: { namespace: "payments", labels: { "app.kubernetes.io/name": "api" } } },
        { awsSecurityGroup: "sg-0123456789abcdef0" },
      ],
    })
  })

  const refused: [string, string][] = [
    [
      "      - cidr: 10.1.2.3/24\n",
      "line 6: identities[0].from[0].cidr: must be written 10.1.2.0/24",
    ],
    ["      - cidr: anywhere\n", "line 6: identities[0].from[0].cidr: must be a network such as"],
    ['      - cidr: "::ffff:a00:0/104"\n', "line 6: identities[0].from[0].cidr: is a mapped IPv4"],
    ["      - {}\n", "line 6: identities[0].from[0]: must name one of cidr, kubernetes"],
    [
      "      - cidr: 10.0.0.0/8\n      - cidr: 10.0.0.0/8\n        awsSecurityGroup: sg-01234567\n",
      "line 7: identities[0].from[1]: must name one of",
    ],
    ["      - 10.0.0.0/8\n", "line 6: identities[0].from[0]: must be a mapping"],
    ["      - cidrs: 10.0.0.0/8\n", "line 6: identities[0].from[0].cidrs: unknown key"],
    ["      - awsSecurityGroup: sg-1\n", "line 6: identities[0].from[0].awsSecurityGroup: must be"],
    ["      - kubernetes: { labels: { a: b } }\n", "from[0].kubernetes.namespace: is missing"],
    ["      - kubernetes: { namespace: A }\n", "from[0].kubernetes.namespace: must be made of"],
    ["      - kubernetes: { namespace: a, labels: {} }\n", "kubernetes.labels: must name at least"],
    ["      - kubernetes: { namespace: a, labels: { 'a b': c } }\n", "labels: must be keys"],
    ["      - kubernetes: { namespace: a, labels: { a: 'b c' } }\n", "labels.a: must be the value"],
    ["      - kubernetes: { namespace: a, serviceAccount: '*' }\n", "serviceAccount: must be made"],
    ["      []\n", "from: must name at least one"],
  ]
  test.each(refused)("refused: %j", (from, message) => {
    expect(() => parseAccess(listOf(from))).toThrow(message)
  })

  test("are nothing that a courier has: it uses a socket of this machine", () => {
    const from = "      - cidr: 10.0.0.0/8\n"
    expect(() => parseAccess(listOf(from, "courier", "owner: x"))).toThrow(/from: unknown key/)
    expect(parseAccess(listOf(from, "operator", "owner: x")).identities).toHaveLength(1)
  })

  test("stay as they are when another identity is added", () => {
    const text = listOf("      - cidr: 10.0.0.0/8\n")
    const added = addIdentity(text, { id: `${id}2`, role: "reader", grant: { see: "monitor" } })
    expect(added.startsWith(text)).toBe(true)
  })
})
