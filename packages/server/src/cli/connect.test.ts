import { type SpawnSyncReturns, spawnSync } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { parseAccess } from "../access/index.ts"
import { type Ran, runHere } from "./live-port.test.support.ts"
import { startCommand, startProcesses } from "./live-processes.test.support.ts"

const modules = fileURLToPath(new URL("../../../../node_modules", import.meta.url))
let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-connect-"))
  live = await startProcesses(join(directory, "installation"))
})
afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const connect = (...args: string[]) => runHere(["connect", ...args, "--config", live.config.file])
const within = (...path: string[]) => join(live.directory, ...path)

function grantOf(name: string) {
  const { identities } = parseAccess(readFileSync(live.config.access, "utf8"))
  const found = identities.find(({ id }) => id.endsWith(`/writer/${name}`))
  return found?.role === "writer" ? found.grant : undefined
}

async function countOf(action: string): Promise<number> {
  const args = ["search", "--action", action, "--scan", "--json", "--profile", live.profiles.reader]
  return JSON.parse((await runHere(args)).stdout).entries.length
}

/** The last command of what was printed, as a person runs it in a shell. */
function runLastStep({ stdout }: Ran, cwd: string): SpawnSyncReturns<string> {
  const step = /^ {3}(\S.*)$/gm
  const commands = [...stdout.matchAll(step)].map(([, command]) => command as string)
  const env = { ...process.env, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` }
  return spawnSync("sh", ["-c", commands.at(-1) as string], { cwd, encoding: "utf8", env })
}

describe("postern connect", () => {
  test("lists the sources without a configuration", async () => {
    const { stdout } = await runHere(["connect"])
    expect(stdout).toMatch(/^SOURCE +WHAT/)
    expect(stdout).toMatch(/^rsyslog +/m)
    const { sources } = JSON.parse((await runHere(["connect", "--json"])).stdout)
    expect(sources.length).toBeGreaterThanOrEqual(16)
  })

  test("with curl: issues, writes, and shows the first event that the printed command sends", async () => {
    const printed = await connect("curl", "--apply", "--wait", "0")
    expect(printed.status, printed.stderr).toBe(0)
    const here = within("connect", "curl")
    expect(printed.stdout).toContain(`wrote    ${here}/postern.curl`)
    expect(statSync(join(here, "writer.key")).mode & 0o777).toBe(0o600)
    expect(grantOf("curl")).toMatchObject({
      adapters: ["http"],
      sources: ["http://curl", "http://curl/*"],
    })
    const waiting = connect("curl", "--apply", "--wait", "30")
    const sent = runLastStep(printed, here)
    expect(sent.status, sent.stderr).toBe(0)
    const { status, stdout, stderr } = await waiting
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^action +door\.opened$/m)
    expect(stdout).toMatch(/^writer +spiffe:\/\/postern\.local\/writer\/curl/m)
    expect(stdout).toMatch(/^verified +\d+ hashes lead/m)
  })

  test("with an application: the file that it writes is the first event", async () => {
    const application = join(directory, "application")
    mkdirSync(application)
    symlinkSync(modules, join(application, "node_modules"))
    const printed = await connect("nodejs", "--apply", application, "--wait", "0")
    const sent = runLastStep(printed, application)
    expect(sent.status, sent.stderr).toBe(0)
    const { stdout } = await connect("nodejs", "--wait", "30", "--json")
    const { entry, state } = JSON.parse(stdout)
    expect([entry.verified, state]).toEqual([true, "live"])
  })

  test("said again issues nothing, and shows what has come", async () => {
    const before = readFileSync(live.config.access, "utf8")
    const key = readFileSync(within("connect", "curl", "writer.key"), "utf8")
    const listsTaken = await countOf("postern.access.loaded")
    const { status, stdout } = await connect("curl", "--wait", "30")
    expect([status, /^action +door\.opened$/m.test(stdout)]).toEqual([0, true])
    expect(readFileSync(live.config.access, "utf8")).toBe(before)
    expect(await countOf("postern.access.loaded")).toBe(listsTaken)
    expect(readFileSync(within("connect", "curl", "writer.key"), "utf8")).toBe(key)
  })

  test("ends with 1 when nothing came in time, and Ctrl-C ends the waiting with 0", async () => {
    const late = await connect("vector", "--wait", "1", "--json")
    expect([late.status, JSON.parse(late.stdout).entry]).toEqual([1, null])
    expect(late.stderr).toContain("nothing came within 1 s")
    const command = startCommand([
      "connect",
      "vector",
      "--wait",
      "60",
      "--config",
      live.config.file,
    ])
    await expect.poll(() => command.said.stderr, { timeout: 20_000 }).toContain("waiting for")
    expect(await command.stop()).toBe(0)
  }, 60_000)
})

describe("--apply", () => {
  test("overwrites nothing, and writes none of several files if one is in the way", async () => {
    const target = join(directory, "applied")
    mkdirSync(target)
    writeFileSync(join(target, "agent.yaml"), "somebody else's\n")
    const { status, stderr } = await connect("postgresql", "--apply", target, "--wait", "0")
    expect([status, stderr]).toEqual([1, expect.stringContaining(`${target}/agent.yaml`)])
    expect(readFileSync(join(target, "agent.yaml"), "utf8")).toBe("somebody else's\n")
    expect(statSync(join(target, "postern.conf"), { throwIfNoEntry: false })).toBeUndefined()
  })

  test("without a directory writes beside postern.yaml, also for a source that needs no files of its own", async () => {
    const { status, stdout } = await connect("vault", "--name", "bao", "--apply", "--wait", "0")
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining(within("connect", "bao", "agent.yaml")),
    ])
    expect(readFileSync(within("connect", "bao", "agent.yaml"), "utf8")).toContain(
      "source: vault://bao",
    )
  })

  test("makes the directory, and wants none in the place of a file", async () => {
    const made = join(directory, "not", "there")
    expect((await connect("vault", "--apply", made, "--wait", "0")).status).toBe(0)
    expect(readdirSync(made)).not.toEqual([])
    const file = join(directory, "a-file")
    writeFileSync(file, "")
    const { status, stderr } = await connect("vault", "--apply", file, "--wait", "0")
    expect([status, stderr]).toEqual([2, expect.stringContaining(file)])
  })

  test("makes scripts that run, and files with secrets that only the owner reads", async () => {
    const target = join(directory, "scripts")
    mkdirSync(target)
    await connect("github", "--apply", target, "--wait", "0")
    const modeOf = (name: string) => statSync(join(target, name)).mode & 0o777
    expect([modeOf("postern-github"), modeOf("postern-github.cron")]).toEqual([0o755, 0o600])
  })
})

describe("the configuration", () => {
  test("names paths and addresses of the source's machine, if they are said", async () => {
    const said = ["--name", "web7", "--address", "localhost", "--directory", "/etc/postern"]
    const { stdout, stderr } = await connect("fluentd", ...said, "--wait", "0")
    expect(stdout).toContain(`https://localhost:${live.config.listen.write[0]?.port}/v1/records`)
    expect(stdout).toContain("tls_client_cert_path /etc/postern/writer.pem")
    expect(stderr).toContain(
      `copy what the source needs from ${within("connect", "web7")} to /etc/postern`,
    )
    expect(stderr).not.toContain("does not name")
    expect(grantOf("web7")).toMatchObject({ adapters: ["records"] })
  })

  test("for a host that the certificate does not name comes with a warning", async () => {
    const { stderr } = await connect(
      "teleport",
      "--address",
      "audit.example.com:443",
      "--wait",
      "0",
    )
    expect(stderr).toContain("the server's certificate does not name audit.example.com")
  })

  test("for syslog says how the plane is switched on while it is off", async () => {
    const { stdout, stderr } = await connect("rsyslog", "--wait", "0")
    expect(stdout).toContain('target="127.0.0.1" port="6514"')
    // rsyslog compares names only, and the certificate has one beside its addresses.
    expect(stdout).toContain('StreamDriverPermittedPeers="localhost"')
    expect(stderr).toContain('syslog: ["127.0.0.1:6514"]')
  })
})

test.each([
  [["nothing"], '"nothing" is no source'],
  [["curl", "--name", "NO"], 'the name "NO"'],
  [["curl", "--name", "a", "--address", "a b"], '"a b" is not HOST'],
  [["curl", "--name", "b", "--directory", "/a b"], "read in different ways"],
  [["vector", "--name", "curl"], "may not come by records"],
])("%j is not understood", async (args, said) => {
  const { status, stderr } = await connect(...args)
  expect([status, stderr]).toEqual([2, expect.stringContaining(said)])
})
