import { execFile, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { gatherPortFacts, type Machine } from "./machine.ts"

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "postern-machine-"))
})
afterEach(() => rmSync(root, { recursive: true }))

function put(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

/** Programmes that print this; one that prints undefined is not installed. */
const running = (prints: Readonly<Record<string, string | Error | undefined>>): Machine => ({
  root,
  run: async (programme) => {
    const text = prints[programme]
    if (text === undefined) throw Object.assign(new Error("spawn"), { code: "ENOENT" })
    if (typeof text === "string") return text
    throw text
  },
})

const nothing = '{"nftables":[]}'
const denied = Object.assign(new Error("failed"), { code: 1, stderr: "Operation not permitted\n" })

describe("what the kernel's files say", () => {
  test("is unknown where there are none", async () => {
    expect(await gatherPortFacts(running({}))).toMatchObject({
      ephemeral: { unknown: "/proc/sys/net/ipv4/ip_local_port_range cannot be read" },
      reserved: { unknown: expect.any(String) },
      sockets: { unknown: "/proc/net/tcp cannot be read" },
      hasIpv6Loopback: false,
    })
  })

  test("is read, with who holds what listens", async () => {
    put("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
    put("proc/sys/net/ipv4/ip_local_reserved_ports", "8080,9000-9010\n")
    const row = "0: 0100007F:446A 00000000:0000 0A 0:0 00:0 0  1000        0 77 1\n"
    put("proc/net/tcp", row)
    put("proc/net/udp", "")
    put("proc/net/if_inet6", `${"0".repeat(31)}1 01 80 10 80       lo\n`)
    put("etc/services", "# comment\nmysql\t\t3306/tcp\nntp 123/udp\n")
    put("proc/4711/status", "Name:\tnode\nUid:\t0\t1000\t0\t0\n")
    put("proc/4711/cmdline", "/usr/bin/node\0/srv/main.js\0--secret\0")
    mkdirSync(join(root, "proc/4711/fd"))
    symlinkSync("socket:[77]", join(root, "proc/4711/fd/3"))
    const facts = await gatherPortFacts(running({}))
    expect(facts).toMatchObject({
      ephemeral: { known: [32_768, 61_000] },
      reserved: {
        known: [
          [8080, 8081],
          [9000, 9011],
        ],
      },
      sockets: { known: [{ port: 17_514, state: "listening" }] },
      hasIpv6Loopback: true,
    })
    expect(facts.holders.get(77)).toEqual([{ pid: 4711, uid: 1000, command: "node main.js" }])
    expect([...facts.names]).toEqual([[3306, "mysql"]])
  })
})

describe("redirections are known", () => {
  const hidden = '{"nftables":[{"rule":{"expr":[{"xt":{"type":"target","name":"DNAT"}}]}}]}'
  const saved = { "iptables-save": "", "ip6tables-save": "" }
  test.each<[string, Record<string, string | Error>, string | undefined]>([
    ["if all programmes answer", { nft: nothing, ...saved }, undefined],
    ["if there is only nft, and it shows everything", { nft: nothing }, undefined],
    ["not if it hides something", { nft: hidden }, "iptables-save is not installed"],
    ["not without nft", saved, "nft is not installed"],
    ["not if nobody is there", {}, "nft is not installed; iptables-save is"],
    ["not if it may not be asked", { nft: denied, ...saved }, "nft: Operation not permitted"],
    ["not if it says nonsense", { nft: "no", ...saved }, "nft: "],
    ["not if one may not be asked", { nft: nothing, "iptables-save": denied }, "iptables-save: Op"],
    [
      "not if there are tables of the old kind",
      { nft: nothing, ...saved, "iptables-save": "# Warning: iptables-legacy tables present" },
      "iptables-legacy has tables too",
    ],
  ])("%s", async (_what, prints, unknown) => {
    const { redirects } = await gatherPortFacts(running(prints))
    if (unknown === undefined) expect(redirects).toEqual({ known: [] })
    else expect("unknown" in redirects && redirects.unknown).toContain(unknown)
  })
})

const inside = ["-Urn", "--map-root-user", "sh", "-c"]
const canFilter =
  process.platform === "linux" &&
  spawnSync("unshare", [...inside, "nft list tables && iptables-save"]).status === 0

test.runIf(canFilter)("real rules of both kinds are found, in a network of their own", async () => {
  const rules = `nft 'table inet t {
      set s { type inet_service; flags interval; elements = { 7000-7002 }; };
      chain d { dnat ip to 10.0.0.1; };
      chain c { type nat hook prerouting priority dstnat; tcp dport @s jump d; };
    }' && iptables -t nat -N DOCKER && iptables -t nat -A PREROUTING -j DOCKER &&
    iptables -t nat -A DOCKER -p tcp --dport 17514 -j DNAT --to-destination 10.0.0.1:80 &&
    exec "$0" $1`
  const script = `import { gatherPortFacts } from "${new URL("./machine.ts", import.meta.url)}"
    console.log(JSON.stringify((await gatherPortFacts()).redirects))`
  const file = join(root, "script.mts")
  writeFileSync(file, script)
  const ran = await promisify(execFile)("unshare", [...inside, rules, process.execPath, file])
  const { known } = JSON.parse(ran.stdout) as { known: { ports: unknown }[] }
  expect(known.map(({ ports }) => ports)).toEqual([[[7000, 7003]], [[17_514, 17_515]]])
})
