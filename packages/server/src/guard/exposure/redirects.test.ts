import { describe, expect, test } from "vitest"
import { parseIptablesSave } from "./iptables-rules.ts"
import { parseNftRuleset } from "./nft-rules.ts"
import { redirectsOf } from "./redirects.ts"

const iptables = (rules: string) =>
  redirectsOf(parseIptablesSave(`*nat\n:PREROUTING ACCEPT [0:0]\n${rules}\nCOMMIT\n`)).map(
    ({ ports }) => ports,
  )

describe("rules of iptables", () => {
  test("of a published port of Docker are found behind the jump", () => {
    const rules = `-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 17514 -j DNAT --to-destination 172.17.0.2:80`
    expect(iptables(rules)).toEqual([[[17_514, 17_515]]])
  })

  test("ask for what the jumps on the way ask for", () => {
    const rules = `-A PREROUTING -p tcp -m tcp --dport 1000:2000 -j A
-A A -p tcp -m multiport --dports 80,1500,1990:2100 -j B
-A A -p tcp -m tcp --dport 3000 -j DNAT --to-destination 10.0.0.1
-A B -j DNAT --to-destination 10.0.0.1`
    const both = [
      [1500, 1501],
      [1990, 2001],
    ]
    expect(iptables(rules)).toEqual([both])
  })

  test.each([
    ["names none", "-A PREROUTING -d 10.0.0.9/32 -j DNAT --to-destination 10.0.0.1", [undefined]],
    ["says which not", "-A OUTPUT -p tcp ! --dport 80 -j REDIRECT --to-ports 1", [undefined]],
    [
      "is open above",
      "-A OUTPUT -p tcp --dport 9000: -j REDIRECT --to-ports 1",
      [[[9000, 65_536]]],
    ],
    [
      "is of UDP",
      "-A PREROUTING -p udp -m udp --dport 17514 -j DNAT --to-destination 10.0.0.1",
      [],
    ],
    ["goes nowhere", "-A PREROUTING -p tcp --dport 17514 -j ACCEPT", []],
    ["nothing leads to", "-A LOST -p tcp --dport 17514 -j DNAT --to-destination 10.0.0.1", []],
    ["leads in a circle", "-A PREROUTING -j A\n-A A -j B\n-A B -j A", []],
  ])("a rule that %s", (_what, rules, ports) => {
    expect(iptables(rules)).toEqual(ports)
  })
})

const base = { family: "ip", table: "nat" }
const chain = (name: string, hook?: string) => ({ chain: { ...base, name, hook } })
const rule = (chain: string, ...expr: object[]) => ({ rule: { ...base, chain, expr } })
const dport = (right: unknown, protocol = "tcp", op = "==") => ({
  match: { op, left: { payload: { protocol, field: "dport" } }, right },
})
const dnat = { dnat: { addr: "10.0.0.1", port: 80 } }
const nft = (...items: object[]) => {
  const ruleset = { nftables: [chain("pre", "prerouting"), chain("deep"), ...items] }
  return redirectsOf(parseNftRuleset(ruleset)).map(({ ports }) => ports)
}

describe("rules of nft", () => {
  test.each<[string, object[], unknown[]]>([
    ["names one port", [rule("pre", dport(80), dnat)], [[[80, 81]]]],
    ["names a range", [rule("pre", dport({ range: [80, 90] }), { redirect: null })], [[[80, 91]]]],
    [
      "names a few",
      [rule("pre", dport({ set: [80, { range: [7, 8] }] }), dnat)],
      [
        [
          [80, 81],
          [7, 9],
        ],
      ],
    ],
    ["names any transport's", [rule("pre", dport(80, "th"), dnat)], [[[80, 81]]]],
    [
      "is behind a jump",
      [rule("pre", dport(80), { jump: { target: "deep" } }), rule("deep", dnat)],
      [[[80, 81]]],
    ],
    ["names none", [rule("pre", dnat)], [undefined]],
    ["says which not", [rule("pre", dport(80, "tcp", "!="), dnat)], [undefined]],
    ["is of UDP", [rule("pre", dport(80, "udp"), dnat)], []],
    ["only accepts", [rule("pre", dport(80), { accept: null })], []],
    ["nothing leads to", [rule("deep", dnat)], []],
  ])("a rule that %s", (_what, rules, ports) => {
    expect(nft(...rules)).toEqual(ports)
  })

  test("may name a set, or lead on by a map", () => {
    const set = { set: { ...base, name: "ours", elem: [17_514, { elem: { val: 17_515 } }] } }
    const ours = [
      [17_514, 17_515],
      [17_515, 17_516],
    ]
    expect(nft(set, rule("pre", dport("@ours"), dnat))).toEqual([ours])
    expect(nft(rule("pre", dport("@gone"), dnat))).toEqual([undefined])
    const vmap = { vmap: { key: {}, data: { set: [[80, { goto: { target: "deep" } }]] } } }
    expect(nft(rule("pre", vmap), rule("deep", dport(80), dnat))).toEqual([[[80, 81]]])
  })

  test("made by iptables hide their targets, and that is told", () => {
    const xt = { xt: { type: "target", name: "DNAT" } }
    const ruleset = { nftables: [chain("pre", "prerouting"), rule("pre", dport(80), xt)] }
    expect(parseNftRuleset(ruleset).hasForeign).toBe(true)
    expect(parseNftRuleset({ nftables: [rule("pre", dnat)] }).hasForeign).toBe(false)
  })

  test.each([undefined, null, 1, {}, { nftables: 1 }, { nftables: [1, null, { rule: 1 }] }])(
    "%j says nothing",
    (value) => {
      expect(redirectsOf(parseNftRuleset(value))).toEqual([])
    },
  )
})
