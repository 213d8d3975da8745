import { spawn } from "node:child_process"
import { once } from "node:events"
import { type AddressInfo, createServer, type ListenOptions, type Server } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import type { ExposedScope } from "../../config/index.ts"
import { quietFacts, rowOf } from "./facts.test.support.ts"
import { judgeListeners, type Listener } from "./listeners.ts"
import { gatherPortFacts, type PortFacts } from "./machine.ts"
import type { SocketRow } from "./socket-table.ts"

const port = 17_514
const listenerOf = (address: string, more: Partial<Listener> = {}): Listener => {
  const known = { address: { known: address }, uid: { known: 1000 } }
  return { plane: "write", name: `${address}:${port}`, port, ...known, ...more }
}
/** Everything that is not ok, as `check result`. */
function judge(
  listener: Listener,
  rows: readonly SocketRow[],
  more: Partial<PortFacts> = {},
  allow: readonly ExposedScope[] = [],
): string[] {
  const facts = quietFacts({ sockets: { known: rows }, ...more })
  const findings = judgeListeners([listener], allow, facts)
  for (const { result, fix } of findings) expect(fix === "").toBe(result === "ok")
  return findings.filter(({ result }) => result !== "ok").map((one) => `${one.id} ${one.result}`)
}

const own = rowOf("10.0.0.7", port)
const inner = listenerOf("10.0.0.7")

describe("the address", () => {
  test.each<[string, ExposedScope[], string[]]>([
    ["10.0.0.7", [], []],
    ["fd00::7", [], []],
    ["8.8.8.8", [], ["port.scope fail"]],
    ["8.8.8.8", ["wildcard"], ["port.scope fail"]],
    ["8.8.8.8", ["public"], ["port.scope warn"]],
    ["2001:db8::1", [], ["port.scope fail"]],
  ])("%s, where %j is allowed: %j", (address, allow, bad) => {
    expect(judge(listenerOf(address), [rowOf(address, port)], {}, allow)).toEqual(bad)
  })

  test("of the ops plane is a loopback one, whatever is allowed", () => {
    const ops = { ...inner, plane: "ops" } as const
    expect(judge(ops, [own], {}, ["public", "wildcard"])).toEqual(["port.scope fail"])
  })

  test("that cannot be found out is unknown", () => {
    expect(judge({ ...inner, address: { unknown: "no DNS" } }, [])).toEqual(["port.scope unknown"])
  })
})

describe("the socket", () => {
  const holder = (uid: number) => new Map([[own.inode, [{ pid: 7, uid, command: "x" }]]])
  const roots = { ...own, uid: 0 }
  test.each<[string, SocketRow[], Partial<PortFacts>, string[]]>([
    ["is ours", [own], {}, []],
    ["is ours, held by us", [own], { holders: holder(1000) }, []],
    ["is nobody's", [], {}, ["port.owner warn"]],
    ["is another user's", [{ ...own, uid: 33 }], {}, ["port.owner fail"]],
    ["is held by another user", [own], { holders: holder(33) }, ["port.owner fail"]],
    ["was opened by root for us", [roots], { holders: holder(1000) }, []],
    ["is root's own", [roots], { holders: holder(0) }, ["port.owner fail"]],
    ["is root's, for whom is not to be seen", [roots], {}, ["port.owner unknown"]],
    ["is there twice", [own, { ...own, inode: 1 }], {}, ["port.shared fail"]],
    [
      "is there, and another beside it",
      [own, rowOf("0.0.0.0", port, { uid: 33 })],
      {},
      ["port.others fail"],
    ],
    ["is there, and another of ours", [own, rowOf("10.0.0.8", port)], {}, []],
    ["cannot be looked at", [], { sockets: { unknown: "no /proc" } }, ["port.owner unknown"]],
  ])("%s", (_what, rows, facts, bad) => {
    expect(judge(inner, rows, facts)).toEqual(bad)
  })

  test("of an installation without data is nobody's that is known", () => {
    const fresh = { ...inner, uid: { unknown: "no data yet" } }
    expect(judge(fresh, [own])).toEqual(["port.owner unknown"])
  })
})

describe("the other family", () => {
  const loopback = listenerOf("127.0.0.1")
  const four = rowOf("127.0.0.1", port)
  test.each<[string, SocketRow[], string[]]>([
    ["is free", [four], ["port.second-family warn"]],
    ["is ours", [four, rowOf("::1", port)], []],
    ["is another user's", [four, rowOf("::1", port, { uid: 33 })], ["port.second-family fail"]],
  ])("of localhost %s", (_what, rows, bad) => {
    expect(judge(loopback, rows)).toEqual(bad)
  })

  test("of a machine without IPv6 is nobody's", () => {
    expect(judge(loopback, [four], { hasIpv6Loopback: false })).toEqual([])
  })

  test("is to be held too where a wildcard was allowed", () => {
    const rows = [rowOf("0.0.0.0", port)]
    expect(judge(listenerOf("0.0.0.0"), rows, {}, ["wildcard"])).toEqual([
      ...["port.scope warn", "port.second-family warn"],
    ])
  })
})

test("rules that redirect the port, and numbers of others, are told", () => {
  const redirects = { known: [{ ports: [[port, port + 1]] as const, rule: "dnat" }] }
  expect(judge(inner, [own], { redirects })).toEqual(["port.redirected fail"])
  const unknown = ["port.redirected unknown", "port.published unknown"]
  expect(judge(inner, [own], { redirects: { unknown: "no" } })).toEqual(unknown)
  expect(judge(inner, [own], { ephemeral: { known: [1024, 65_536] } })).toEqual([
    "port.number warn",
  ])
  expect(judge(inner, [own], { ephemeral: { unknown: "no" } })).toEqual(["port.number unknown"])
})

describe.runIf(process.platform === "linux")("real sockets", () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })
  const listen = async (options: ListenOptions): Promise<number> => {
    const server = createServer()
    servers.push(server)
    await once(server.listen({ exclusive: true, ipv6Only: true, ...options }), "listening")
    return (server.address() as AddressInfo).port
  }
  const look = async (at: number) => {
    const listener = listenerOf("127.0.0.1", {
      ...{ port: at, uid: { known: process.getuid?.() ?? -1 } },
    })
    // What else is on this machine is not ours to say.
    const ids = ["port.owner", "port.shared", "port.second-family", "port.others"]
    const findings = judgeListeners([listener], [], await gatherPortFacts())
    return findings.filter(({ id, result }) => ids.includes(id) && result !== "ok")
  }
  const ids = (findings: readonly { id: string; result: string }[]) =>
    findings.map(({ id, result }) => `${id} ${result}`)

  test("on one half of localhost leave the other to anybody; on both, to nobody", async () => {
    const at = await listen({ host: "127.0.0.1", port: 0 })
    const half = await look(at)
    if (half.length === 0) return // A machine without IPv6.
    expect(ids(half)).toEqual(["port.second-family warn"])
    await listen({ host: "::1", port: at })
    expect(await look(at)).toEqual([])
  })

  test.runIf(process.getuid?.() === 0)("of another user are told by name", async () => {
    const script =
      "const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))"
    const thief = spawn(process.execPath, ["-e", script], { uid: 65_534, cwd: "/" })
    try {
      const [at] = await once(thief.stdout, "data")
      const [first] = await look(Number(at))
      expect(first).toMatchObject({ id: "port.owner", result: "fail", severity: "critical" })
      expect(first?.evidence).toContain(`(process ${thief.pid}, uid 65534)`)
    } finally {
      thief.kill("SIGKILL")
    }
  })

  test("that share a port are both seen", async () => {
    const at = await listen({ host: "127.0.0.1", port: 0, reusePort: true })
    await listen({ host: "127.0.0.1", port: at, reusePort: true })
    const found = await look(at)
    expect(ids(found)).toContain("port.shared fail")
    const { evidence = "" } = found.find(({ id }) => id === "port.shared") ?? {}
    expect(evidence.match(new RegExp(`process ${process.pid}, `, "g"))).toHaveLength(2)
  })
})
