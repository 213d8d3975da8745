/**
 * Runs in network, mount and process namespaces of its own, as root or as root of a user namespace; needs nothing of the
 * repository but the files beside it, which may be copied. A machine with the port (this namespace), its clients, and a
 * container behind translated addresses. Plan on standard input, Outcome on standard output.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { until, within } from "../../support/waiting.ts"
import type { Client, Outcome, Plan, Probe, Target } from "../plan.ts"

const plan = JSON.parse(readFileSync(0, "utf8")) as Plan
const host = { local: ["10.77.0.1", "fd77::1"], translated: ["10.77.0.9", "fd77::9"] } as const
const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

function run(line: string, input = ""): string {
  const [command = "", ...args] = line.split(" ")
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` }
  return execFileSync(command, args, { input, encoding: "utf8", env })
}

function build(): void {
  run("mount -t tmpfs tmpfs /run")
  run("ip link set lo up")
  run("ip link add br0 type bridge forward_delay 0")
  for (const [v4, v6] of Object.values(host)) {
    run(`ip addr add ${v4}/24 dev br0`)
    run(`ip addr add ${v6}/64 dev br0 nodad`)
  }
  run("ip link set br0 up")
  for (const [at, client] of plan.clients.entries()) {
    attach(client, `v${at}`, "10.77.0.1", "fd77::1")
    run(`ip link set v${at} master br0`)
  }
  run("ip addr add 10.78.0.1/24 dev lo")
  attach({ name: "container", ipv4: "10.78.0.2", ipv6: "fd78::2" }, "vc", "10.78.0.1", "fd78::1")
  run("ip addr del 10.78.0.1/24 dev lo")
  run("ip addr add 10.78.0.1/24 dev vc")
  run("ip addr add fd78::1/64 dev vc nodad")
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1")
  writeFileSync("/proc/sys/net/ipv6/conf/all/forwarding", "1")
  const ports = plan.ports.join(", ")
  const [v4, v6] = host.translated
  run(
    "nft -f -",
    `table inet translation {
  chain in {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr ${v4} tcp dport { ${ports} } dnat ip to 10.78.0.2
    ip6 daddr ${v6} tcp dport { ${ports} } dnat ip6 to fd78::2
  }
}
`,
  )
}

/** A namespace with one interface, and the other end of it here. */
function attach({ name, ipv4, ipv6 }: Client, end: string, gate4: string, gate6: string): void {
  run(`ip netns add ${name}`)
  run(`ip link add ${end} type veth peer name eth0 netns ${name}`)
  run(`ip link set ${end} up`)
  run(`ip -n ${name} addr add ${ipv4}/24 dev eth0`)
  run(`ip -n ${name} addr add ${ipv6}/64 dev eth0 nodad`)
  run(`ip -n ${name} link set eth0 up`)
  run(`ip -n ${name} link set lo up`)
  run(`ip -n ${name} route add default via ${gate4}`)
  run(`ip -n ${name} route add default via ${gate6}`)
}

interface Server {
  /** Bytes that have come to a port on connections of any age. */
  bytes(port: number): number
}

const children: ChildProcess[] = []

function start(prefix: readonly string[], script: string, args: readonly string[]): ChildProcess {
  const [command = "", ...rest] = [...prefix, process.execPath, beside(script), ...args]
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] })
  children.push(child)
  return child
}

async function serve(prefix: readonly string[]): Promise<Server> {
  const child = start(prefix, "serve.ts", plan.ports.map(String))
  const bytes = new Map<number, number>()
  let ready = false
  let rest = ""
  child.stdout?.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) {
      const [port, count] = line.split(" ").map(Number)
      if (line === "ready") ready = true
      else if (port !== undefined && count !== undefined) bytes.set(port, count)
    }
  })
  await until(() => ready || undefined, 30_000, "a server")
  return { bytes: (port) => bytes.get(port) ?? 0 }
}

async function probe(
  from: string,
  prefix: readonly string[],
  targets: readonly Target[],
): Promise<Probe[]> {
  const child = start(prefix, "probe.ts", [JSON.stringify(targets)])
  let text = ""
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString()
  })
  // Its exit may come before the last of what it printed.
  const closed = new Promise((resolve) => child.once("close", resolve))
  await within(closed, 30_000, `probes of ${from}`)
  const states = JSON.parse(text) as string[]
  return targets.map((target, at) => ({ ...target, from, state: states[at] ?? "nothing" }))
}

async function everybody(): Promise<Probe[]> {
  const targets = (path: Target["path"], hosts: readonly string[]): Target[] =>
    hosts.flatMap((host) => plan.ports.map((port) => ({ path, host, port })))
  const outside = [...targets("local", host.local), ...targets("translated", host.translated)]
  const inside = targets("loopback", ["127.0.0.1", "::1", ...host.local])
  const all = await Promise.all([
    ...plan.clients.map(({ name }) => probe(name, ["ip", "netns", "exec", name], outside)),
    ...plan.users.map(({ name, uid }) => probe(name, uid === 0 ? [] : asUser(uid), inside)),
  ])
  return all.flat()
}

function asUser(uid: number): string[] {
  return ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"]
}

/** How a dialect is loaded, listed and counted by hand. */
const tools: Record<
  string,
  { load(text: string): void; list(): string; refused(): number; away(): void }
> = {
  nftables: {
    load: (text) => void run("nft -f -", text),
    list: () => run("nft list table inet postern").replace(/packets \d+ bytes \d+/g, ""),
    refused: () => Number(/packets (\d+)/.exec(run("nft list counter inet postern refused"))?.[1]),
    away: () => void run("nft delete table inet postern"),
  },
  iptables: {
    load(text) {
      // What leads to the chain is there from the first time on.
      const file = run("iptables-save -t raw").includes("-j POSTERN")
        ? text.replace(/^-I.*\n/gm, "")
        : text
      for (const program of ["iptables", "ip6tables"]) run(`${program}-restore --noflush`, file)
    },
    list: () =>
      ["iptables", "ip6tables"]
        .map((one) => run(`${one}-save -t raw`).replace(/^[#:].*\n/gm, ""))
        .join(""),
    refused() {
      const drops = run("iptables-save -c -t raw").matchAll(/^\[(\d+):\d+\] .* -j DROP$/gm)
      return [...drops].reduce((sum, [, packets]) => sum + Number(packets), 0)
    },
    away() {
      for (const program of ["iptables", "ip6tables"]) run(`${program} -t raw -F`)
    },
  },
}

async function tryDialect(
  { name, text, revoked }: Plan["dialects"][number],
  server: Server,
): Promise<Outcome["dialects"][number]> {
  const tool = tools[name]
  if (tool === undefined) throw new Error(`${name} cannot be tried here`)
  tool.load(text)
  const probes = await everybody()
  const [once, before] = [tool.list(), tool.refused()]
  tool.load(text)
  const [twice, after] = [tool.list(), tool.refused()]
  const cut = await cutWriter(server, () => tool.load(revoked))
  tool.away()
  return { name, probes, once, twice, refused: [before, after], revoked: cut }
}

/** The reader's connection, which stays, is the clock: the writer's must stand still while it goes on. */
async function cutWriter(server: Server, revoke: () => void) {
  const [write = 0, read = 0] = plan.ports
  const flow = (from: string, port: number) =>
    start(["ip", "netns", "exec", from], "flow.ts", [host.local[0], String(port)])
  const flows = [flow("writer", write), flow("reader", read)]
  const beyond = (port: number, bytes: number) =>
    until(() => server.bytes(port) > bytes || undefined, 30_000, `bytes on ${port}`)
  await beyond(write, server.bytes(write) + 20)
  await beyond(read, server.bytes(read) + 20)
  revoke()
  await beyond(read, server.bytes(read) + 10)
  // What was on its way before that is told by the time the reader's next bytes are.
  await beyond(read, server.bytes(read))
  const [writer, reader] = [server.bytes(write), server.bytes(read)]
  await beyond(read, reader + 60)
  for (const one of flows) one.kill("SIGKILL")
  return {
    writer: [writer, server.bytes(write)] as const,
    reader: [reader, server.bytes(read)] as const,
  }
}

try {
  build()
  const server = await serve([])
  await serve(["ip", "netns", "exec", "container"])
  const without = await everybody()
  const dialects: Outcome["dialects"][number][] = []
  for (const dialect of plan.dialects) dialects.push(await tryDialect(dialect, server))
  console.log(JSON.stringify({ without, dialects } satisfies Outcome))
} finally {
  for (const child of children) child.kill("SIGKILL")
}
