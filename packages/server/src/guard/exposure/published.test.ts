import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { quietFacts } from "./facts.test.support.ts"
import { parseIptablesSave } from "./iptables-rules.ts"
import { parseNftRuleset } from "./nft-rules.ts"
import { findProxies } from "./proxies.ts"
import { published } from "./published.ts"
import { redirectsOf } from "./redirects.ts"

const at = { address: "10.0.0.7", port: 17_514 }
const iptables = (rule: string) =>
  redirectsOf(parseIptablesSave(`*nat\n-A PREROUTING -p tcp ${rule}\nCOMMIT\n`))
const nft = (...expr: object[]) =>
  redirectsOf(
    parseNftRuleset({
      nftables: [
        { chain: { family: "ip", table: "nat", name: "pre", hook: "prerouting" } },
        { rule: { family: "ip", table: "nat", chain: "pre", expr } },
      ],
    }),
  )
const dport = (right: unknown) => ({
  match: { op: "==", left: { payload: { protocol: "tcp", field: "dport" } }, right },
})

test.each([
  ["a published port", iptables("--dport 8443 -j DNAT --to-destination 10.0.0.7:17514"), "fail"],
  [
    "a range of them",
    iptables("--dport 8443 -j DNAT --to-destination 10.0.0.7:17000-18000"),
    "fail",
  ],
  ["a port of this machine", iptables("--dport 8443 -j REDIRECT --to-ports 17514"), "fail"],
  ["every port", iptables("-j DNAT --to-destination 10.0.0.7:17514"), "fail"],
  [
    "another machine's port",
    iptables("--dport 8443 -j DNAT --to-destination 10.0.0.8:17514"),
    "ok",
  ],
  ["another port", iptables("--dport 8443 -j DNAT --to-destination 10.0.0.7:80"), "ok"],
  ["no other number", iptables("--dport 8443 -j DNAT --to-destination 10.0.0.7"), "ok"],
  ["nft, a published port", nft(dport(8443), { dnat: { addr: "10.0.0.7", port: 17_514 } }), "fail"],
  ["nft, a redirection", nft(dport(8443), { redirect: { port: 17_514 } }), "fail"],
  [
    "nft, a NodePort",
    nft(dport({ range: [30_000, 32_767] }), { dnat: { addr: "10.0.0.7", port: 17_514 } }),
    "fail",
  ],
  ["nft, elsewhere", nft(dport(8443), { dnat: { addr: "10.0.0.8", port: 17_514 } }), "ok"],
])("%s", (_name, known, result) => {
  expect(published(at, quietFacts({ redirects: { known } })).result).toBe(result)
})

test("an address of IPv6 is understood, and a listener on every address is met by each", () => {
  const known = iptables("--dport 8443 -j DNAT --to-destination [fd00::7]:17514")
  const facts = quietFacts({ redirects: { known } })
  expect(published({ address: "fd00::7", port: 17_514 }, facts).result).toBe("fail")
  expect(published({ address: "fd00::8", port: 17_514 }, facts).result).toBe("ok")
  expect(published({ address: "::", port: 17_514 }, facts).result).toBe("fail")
})

test("Docker's userland proxy is found by what it was started with", () => {
  const root = mkdtempSync(join(tmpdir(), "postern-proxies-"))
  const put = (pid: number, ...words: string[]) => {
    mkdirSync(join(root, "proc", `${pid}`), { recursive: true })
    writeFileSync(join(root, "proc", `${pid}`, "cmdline"), `${words.join("\0")}\0`)
  }
  const ports = ["-host-port", "8443", "-container-ip", "10.0.0.7", "-container-port", "17514"]
  put(41, "/usr/bin/docker-proxy", "-proto", "tcp", "-host-ip", "0.0.0.0", ...ports)
  put(42, "vim", "docker-proxy", ...ports)
  const proxies = findProxies(root)
  expect(proxies).toEqual([{ pid: 41, hostPort: 8443, address: "10.0.0.7", port: 17_514 }])
  expect(published(at, quietFacts({ proxies })).result).toBe("fail")
  expect(published({ ...at, port: 17_515 }, quietFacts({ proxies })).result).toBe("ok")
  rmSync(root, { recursive: true })
})

test("what cannot be seen is unknown", () => {
  expect(published(at, quietFacts({ redirects: { unknown: "not root" } })).result).toBe("unknown")
})
