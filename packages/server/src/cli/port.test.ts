import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Finding } from "../guard/exposure/index.ts"
import { initDirectory } from "../guard/setup/index.ts"
import { exitCodes } from "./exit-code.ts"
import { runHere } from "./live-port.test.support.ts"

const base = mkdtempSync(join(tmpdir(), "postern-port-cli-"))
const config = join(base, "audit", "postern.yaml")
const page = readFileSync(new URL("../../../../docs/operating/port.md", import.meta.url), "utf8")
const servers: Server[] = []

async function listen(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  servers.push(server)
  await once(server, "listening")
  return (server.address() as AddressInfo).port
}

beforeAll(async () => {
  const [write, read, ops] = [await listen(), await listen(), await listen()]
  await initDirectory({ directory: join(base, "audit"), ports: { write, read, ops } })
})
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(base, { recursive: true })
})

async function check(
  file = config,
): Promise<{ status: number; result: string; findings: Finding[] }> {
  const { status, stdout } = await runHere(["port", "check", "--config", file, "--json"])
  return { status, ...JSON.parse(stdout) }
}

describe("postern port pick", () => {
  test("proposes three ports in a row, with the line that reserves them", async () => {
    const { status, stdout } = await runHere(["port", "pick", "--json"])
    expect(status).toBe(0)
    const { ports, sysctl } = JSON.parse(stdout)
    const [first, ...rest] = ports.map((one: { port: number }) => one.port)
    expect(rest).toEqual([first + 1, first + 2])
    expect(sysctl).toMatch(/^net\.ipv4\.ip_local_reserved_ports = [\d,-]+$/)
    const text = await runHere(["port", "pick"])
    expect(text.stdout).toContain(`listen:\n  write: ["127.0.0.1:${first}"`)
    expect(text.stdout).toContain(sysctl)
  })

  test.each(["0.0.0.0", "::", "localhost", "10.0.0"])("tries no %s", async (address) => {
    expect((await runHere(["port", "pick", "--address", address])).status).toBe(exitCodes.usage)
  })
})

describe("postern port check", () => {
  test("knows sockets of ours, and says with its exit code how it went", async () => {
    const { status, result, findings } = await check()
    const of = (id: string) => findings.filter((one) => one.id === id).map((one) => one.result)
    expect(of("port.owner")).toEqual(["ok", "ok", "ok"])
    expect(of("port.shared")).toEqual(["ok", "ok", "ok"])
    // Which rules this machine has is not ours to say.
    const codes = { ok: 0, warn: 0, unknown: exitCodes.failed, fail: exitCodes.unverified }
    expect(status).toBe(codes[result as keyof typeof codes])
    const text = await runHere(["port", "check", "--config", config])
    expect(text.stdout).toContain(`postern: ports: ${result}`)
    expect(text.status).toBe(status)
  })

  test("fails where the configuration would not start", async () => {
    const wide = join(base, "audit", "wide.yaml")
    writeFileSync(
      wide,
      readFileSync(config, "utf8").replace('write: ["127.0.0.1:', 'write: ["0.0.0.0:'),
    )
    const { status, result, findings } = await check(wide)
    expect([status, result]).toEqual([exitCodes.unverified, "fail"])
    expect(findings[0]).toMatchObject({ id: "port.scope", result: "fail", severity: "critical" })
  })
})

describe("docs/operating/port.md", () => {
  test("has commands that work as they stand there", async () => {
    const lines = [...page.matchAll(/^ {4}postern (port .*)$/gm)].map(([, line = ""]) => line)
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      const args = line.replace("audit/postern.yaml", config).split(" ")
      const { status, stderr } = await runHere(args)
      // 1 where this machine does not let its rules be seen.
      expect([line, [0, 1].includes(status), stderr]).toEqual([line, true, ""])
    }
  })

  test("lists every check and every column", async () => {
    const { findings } = await check()
    const ids = [...page.matchAll(/^\| `(port\.[a-z-]+)`/gm)].map(([, id]) => id)
    expect(ids.sort()).toEqual([...new Set(findings.map(({ id }) => id))].sort())
    const { stdout } = await runHere(["port", "pick", "--json"])
    const reasons = JSON.parse(stdout).ports[0].reasons as { check: string }[]
    const columns = [...page.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name)
    expect(columns).toEqual(reasons.map((reason) => reason.check))
  })

  test("says what may be allowed as the configuration takes it", async () => {
    const allow = /^ {6}(allow: \[public\])/m.exec(page)?.[1]
    const open = join(base, "audit", "open.yaml")
    writeFileSync(open, readFileSync(config, "utf8").replace("listen:\n", `listen:\n  ${allow}\n`))
    expect((await check(open)).findings[0]).toMatchObject({ id: "port.scope", result: "ok" })
  })
})
