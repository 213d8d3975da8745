import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { parse } from "yaml"
import { formatCidr, parseAccess, parseCidr } from "../../../access/index.ts"
import { collapse } from "./collapse.ts"
import { dialects, makeModel, render } from "./index.ts"

const now = Date.parse("2026-11-22T00:00:00Z")
const at = (port: number) => [{ host: "127.0.0.1", port }]
const listen = { write: at(17514), read: at(17515), ops: at(17516) }
const writer = `role: writer
    grant: { adapters: [postern], sources: ["*"], actions: ["*"] }`

const people = `identities:
  - id: spiffe://postern.local/writer/payments
    from:
      - cidr: 10.1.2.0/25
      - cidr: 10.1.2.128/25
      - cidr: "fd00:1::/64"
    ${writer}
  - id: spiffe://postern.local/writer/api
    from:
      - cidr: 10.1.2.7/32
      - kubernetes: { namespace: shop, labels: { tier: front, app: api } }
      - kubernetes: { namespace: jobs, serviceAccount: nightly }
      - awsSecurityGroup: sg-0123456789abcdef0
    ${writer}
  - id: spiffe://postern.local/writer/nowhere
    ${writer}
  - id: spiffe://postern.local/writer/gone
    expires: 2026-11-22
    from: [{ cidr: 192.0.2.0/24 }]
    ${writer}
  - id: spiffe://postern.local/reader/auditor
    from: [{ cidr: 10.9.0.1/32 }, { kubernetes: { namespace: audit } }]
    role: reader
    grant: { see: auditor }
  - id: spiffe://postern.local/postern/reader
    role: writer
    grant: { adapters: [postern], sources: ["*"], actions: ["postern.*"], internal: true }
  - id: spiffe://postern.local/postern/courier
    role: courier
`
const model = makeModel(parseAccess(people), listen, now, [65_533])
/** With the syslog plane, and writers of which one uses it only, one too. */
const senders = `${people}  - id: spiffe://postern.local/writer/switch
    from: [{ cidr: 10.7.0.0/16 }]
    role: writer
    grant: { adapters: [syslog], sources: ["*"], actions: ["*"] }
  - id: spiffe://postern.local/writer/host
    from: [{ cidr: 10.8.0.0/16 }]
    role: writer
    grant: { adapters: [http, syslog], sources: ["*"], actions: ["*"] }
`
const withSyslog = makeModel(parseAccess(senders), { ...listen, syslog: at(6514) }, now, [65_533])
const nobody = makeModel(parseAccess("identities: []\n"), listen, now, [65_533])
const dialect = (name: string) => dialects.find((one) => one.name === name)!

/** POSTERN_GOLDEN=write makes them anew; what changed is then seen in the diff. */
function golden(name: string, text: string): string {
  const file = new URL(`./golden/${name}.txt`, import.meta.url)
  if (process.env.POSTERN_GOLDEN === "write") {
    mkdirSync(new URL("./golden", import.meta.url), { recursive: true })
    writeFileSync(file, text)
  }
  return readFileSync(file, "utf8")
}

describe.each(dialects.map((one) => [one.name, one] as const))("%s", (name, one) => {
  test("is what it was", () => {
    expect(render(one, model).text).toBe(golden(name, render(one, model).text))
    expect(render(one, nobody).text).toBe(golden(`${name}-nobody`, render(one, nobody).text))
    expect(render(one, withSyslog).text).toBe(
      golden(`${name}-syslog`, render(one, withSyslog).text),
    )
  })

  test("is the same text for the same places in another order", () => {
    const [head = "", ...items] = people.split(/(?=^ {2}- id)/m)
    const turned = head + items.reverse().join("")
    const again = makeModel(parseAccess(turned), listen, now, [65_533])
    expect(render(one, { ...again, digest: model.digest })).toEqual(render(one, model))
  })

  test("says in the text and beside it who gets no opening", () => {
    const { notes, text } = render(one, model)
    expect(notes[0]).toContain("spiffe://postern.local/")
    expect(notes.join("\n")).toContain(
      "nothing is opened for spiffe://postern.local/writer/nowhere: no place (from:)",
    )
    for (const note of notes) expect(text).toContain(`# ${note}\n`)
    expect(text).toContain(model.digest)
    for (const absent of ["192.0.2.0", "writer/gone", "postern/reader", "courier"]) {
      expect(text).not.toContain(absent)
    }
  })

  test("opens nothing for an empty list", () => {
    const { notes, text } = render(one, nobody)
    expect(notes).toEqual([])
    expect(text).not.toMatch(/10\.|fd00|0\.0\.0\.0|::\/0|from: \[\]/)
  })
})

describe("the model", () => {
  test("joins networks and drops what lies in others, for each plane by itself", () => {
    const { text } = render(dialect("nftables"), model)
    expect(text.match(/10\.1\.2\.\S+ \. \d+/g)).toEqual(["10.1.2.0/24 . 17514"])
    expect(text).toContain("10.9.0.1/32 . 17515")
  })

  test("opens the syslog port to those whose grant has syslog, and nothing else to those who have only that", () => {
    const { text } = render(dialect("nftables"), withSyslog)
    expect(text.match(/\S+ \. 6514/g)).toEqual(["10.7.0.0/16 . 6514", "10.8.0.0/16 . 6514"])
    expect(text.match(/10\.[78]\.\S+ \. 175\d\d/g)).toEqual(["10.8.0.0/16 . 17514"])
    expect(text).toContain("read 17515, ops 17516, syslog 6514\n")
    expect(
      render(dialect("nftables"), makeModel(parseAccess(senders), listen, now, [1])).text,
    ).not.toContain("6514")
  })

  test("takes every port of a plane once", () => {
    const write = [{ host: "127.0.0.1", port: 17514 }, { host: "::1", port: 17514 }, ...at(7)]
    expect(makeModel(parseAccess(people), { ...listen, write }, now).ports.write).toEqual([
      7, 17514,
    ])
  })

  test("refuses a port of two planes and a port that is any", () => {
    const list = parseAccess(people)
    expect(() => makeModel(list, { ...listen, read: at(17514) }, now)).toThrow(/17514 is of two/)
    expect(() => makeModel(list, { ...listen, read: at(0) }, now)).toThrow(/listen.read: port 0/)
  })

  test("lets all of the service's users through on loopback, and root, in one order", () => {
    const of = (...uids: number[]) => makeModel(parseAccess(people), listen, now, uids)
    const { text } = render(dialect("nftables"), of(997, 995, 0))
    expect(text).toContain("skuid != { 0, 995, 997 }")
    expect(render(dialect("nftables"), of(995, 997)).text).toBe(text)
    const others = "! --uid-owner 0 -m owner ! --uid-owner 995 -m owner ! --uid-owner 997 "
    expect(render(dialect("iptables"), of(997, 995)).text).toContain(others)
  })

  test("without the service's user gives no rules that would lock it out", () => {
    const stranger = makeModel(parseAccess(people), listen, now)
    expect(() => render(dialect("nftables"), stranger)).toThrow(/--uid/)
    expect(() => render(dialect("iptables"), stranger)).toThrow(/--uid/)
    expect(render(dialect("ufw"), stranger).text).toContain("17514")
  })

  test("is good up to the moment that an identity expires", () => {
    const before = makeModel(parseAccess(people), listen, now - 1, [1])
    expect(render(dialect("nftables"), before).text).toContain("192.0.2.0/24 . 17514")
  })
})

describe("collapsed networks", () => {
  const numberOf = (text: string) => parseCidr(text)!
  const collapsed = (...texts: string[]) => collapse(texts.map(numberOf)).map(formatCidr)

  test("are the fewest that hold the same addresses", () => {
    expect(collapsed("10.0.1.0/24", "10.0.0.0/24")).toEqual(["10.0.0.0/23"])
    expect(collapsed("10.0.1.0/24", "10.0.2.0/24")).toEqual(["10.0.1.0/24", "10.0.2.0/24"])
    expect(collapsed("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2")).toEqual(["0.0.0.0/0"])
    expect(collapsed("::/1", "8000::/1", "0.0.0.0/0")).toEqual(["0.0.0.0/0", "::/0"])
    expect(collapsed("::/96", "10.0.0.0/8", "10.0.0.1/32")).toEqual(["10.0.0.0/8", "::/96"])
  })

  test("hold what the networks held, and no address twice", () => {
    const small = fc.record({ start: fc.nat(31), length: fc.nat(5) }).map(({ start, length }) => ({
      family: 4 as const,
      address: BigInt((start >> length) << length),
      bits: 32 - length,
    }))
    const holders = (all: readonly { address: bigint; bits: number }[], address: number) =>
      all.filter(
        (one) => one.address >> BigInt(32 - one.bits) === BigInt(address >> (32 - one.bits)),
      )
    fc.assert(
      fc.property(fc.array(small, { maxLength: 12 }), (networks) => {
        const all = collapse(networks)
        for (let address = 0; address < 32; address++) {
          expect(holders(all, address).length).toBe(holders(networks, address).length > 0 ? 1 : 0)
        }
        expect(collapse(all)).toEqual(all)
        expect(all.length).toBeLessThanOrEqual(Math.max(networks.length, 0))
      }),
    )
  })
})

describe("policies for Kubernetes", () => {
  test("join namespace and labels by and, and leave no rule without a source", () => {
    const { spec } = parse(render(dialect("networkpolicy"), model).text)
    const peers = spec.ingress.map(({ from }: { from: unknown[] }) => from.length)
    expect(peers).toEqual([3, 2])
    expect(spec.ingress[0].from[2]).toEqual({
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "shop" } },
      podSelector: { matchLabels: { app: "api", tier: "front" } },
    })
    const closed = parse(render(dialect("networkpolicy"), nobody).text).spec
    expect([closed.ingress, closed.policyTypes]).toEqual([[], ["Ingress"]])
  })

  test("leave a service account closed where it cannot be said", () => {
    expect(render(dialect("networkpolicy"), model).text).not.toMatch(/^[^#]*jobs/m)
    const { spec } = parse(render(dialect("cilium"), model).text)
    expect(spec.ingress[0].fromEndpoints[0].matchLabels).toEqual({
      "k8s:io.kubernetes.pod.namespace": "jobs",
      "k8s:io.cilium.k8s.policy.serviceaccount": "nightly",
    })
  })
})
