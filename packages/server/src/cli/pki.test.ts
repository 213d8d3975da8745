import { X509Certificate } from "node:crypto"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectTls } from "node:tls"
import { connect, loadProfile } from "@postern/client"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { initDirectory } from "../guard/setup/index.ts"
import { runHere } from "./live-port.test.support.ts"
import { startCommand, startProcesses } from "./live-processes.test.support.ts"

let directory: string
let live: Awaited<ReturnType<typeof startProcesses>>
const longMs = 120_000

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-pki-"))
  live = await startProcesses(join(directory, "audit"))
}, longMs)

afterAll(async () => {
  await live.stop()
  rmSync(directory, { recursive: true })
})

const config = () => ["--config", live.config.file]
const pki = (...args: string[]) => runHere(["pki", ...args, ...config()])
const wait = <T>(look: () => T) => vi.waitFor(look, { timeout: 30_000, interval: 100 })
const serialIn = (file: string) =>
  new X509Certificate(readFileSync(file, "utf8")).serialNumber.toLowerCase()

interface Row {
  readonly holder: string
  readonly file: string
  readonly id: string
  readonly state: string
  readonly authority: string
  readonly certificate: string
}
async function rows(): Promise<Row[]> {
  return JSON.parse((await pki("status", "--json")).stdout).certificates
}

/** The serial that a plane shows whoever connects now, in lower case. */
async function shown(plane: "write" | "read", profile = live.profiles.reader): Promise<string> {
  const { ca, certificate: cert, key } = loadProfile(profile)
  const [{ host = "", port = 0 } = {}] = live.config.listen[plane]
  const socket = connectTls({ host, port, ca, cert, key, checkServerIdentity: () => undefined })
  socket.on("error", () => undefined)
  await once(socket, "secureConnect")
  const serial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? ""
  socket.destroy()
  return serial
}

async function found(action: string): Promise<Record<string, unknown>[]> {
  const ran = await runHere([
    ...["search", "--profile", live.profiles.reader, "--action", action, "--json"],
  ])
  expect(ran).toMatchObject({ status: 0 })
  return JSON.parse(ran.stdout).entries
}

/** Of the writer of these tests: it would open a stream again if its connection had been cut. */
async function openings() {
  const all = await found("postern.stream.opened")
  return all.filter((entry) => JSON.stringify(entry).includes("writer/app"))
}

async function opsText(path: string): Promise<string> {
  const [{ host = "", port = 0 } = {}] = live.config.listen.ops
  return (await fetch(`http://${host}:${port}${path}`)).text()
}

const deleted = { actor: "alice", target: "invoice/1", outcome: "success" } as const

describe("status", () => {
  test("lists CA, processes and profiles, and the groups of the key exchange", async () => {
    const ran = await pki("status")
    expect(ran).toMatchObject({ status: 0, stderr: "" })
    expect(ran.stdout).toMatch(/key exchange: .*X25519/)
    const holders = (await rows()).map(({ holder }) => holder)
    expect(holders.filter((holder) => holder !== "profile")).toEqual([
      ...["ca", "server", "reader process", "courier process"],
    ])
    expect(holders.filter((holder) => holder === "profile")).toHaveLength(3)
    expect((await rows()).every(({ state }) => state === "ok")).toBe(true)
    expect((await runHere(["status", ...config()])).stdout).toMatch(
      /CERTIFICATE|certificate +until/,
    )
  })
})

describe("renewed certificates", () => {
  test(
    "are shown to who connects, and a live session and a live tail go on",
    async () => {
      const audit = await connect(live.profiles.writer)
      audit("invoice.deleted", deleted)
      await audit.flush()
      const tail = startCommand(["tail", "--profile", live.profiles.reader])
      await wait(() => expect(tail.said.stdout).toContain("postern.tail.opened"))
      const opened = (await openings()).length
      const tails = (await found("postern.tail.opened")).length

      const before = await shown("write")
      const ran = await pki("renew", "--all")
      expect(ran).toMatchObject({ status: 0 })
      const after = serialIn(live.config.pki.certificate)
      expect(after).not.toBe(before)
      await wait(async () => expect(await shown("write")).toBe(after))
      await wait(async () => expect(await shown("read")).toBe(after))

      audit("invoice.paid", deleted)
      await audit.flush()
      await wait(() => expect(tail.said.stdout).toContain("invoice.paid"))
      await wait(async () => expect(await found("postern.tls.loaded")).toHaveLength(3))
      expect(await openings()).toHaveLength(opened)
      expect(await found("postern.tail.opened")).toHaveLength(tails)
      await audit.close()
      await tail.stop()
    },
    longMs,
  )

  test("that are not acceptable change nothing, and everybody is told", async () => {
    const file = live.config.pki.certificate
    const text = readFileSync(file, "utf8")
    const serial = await shown("write")
    writeFileSync(file, text.slice(0, 200))
    await wait(async () => expect(await opsText("/readyz?verbose")).toContain("files refused"))
    expect(await opsText("/metrics")).toMatch(/^postern_certificate_files_refused 1$/m)
    expect((await runHere(["status", ...config()])).stdout).toContain("NOT taken over")
    expect(await pki("status")).toMatchObject({ status: 3 })
    expect(await shown("write")).toBe(serial)
    writeFileSync(file, text)
    await wait(async () => {
      expect(await opsText("/metrics")).toMatch(/^postern_certificate_files_refused 0$/m)
    })
    const entries = await found("postern.tls.refused")
    expect(JSON.stringify(entries)).toContain('"outcome":"failure"')
  }, 120_000)

  test("are given to nobody without the old key, or who is not on the list", async () => {
    const stem = join(directory, "app")
    expect(await pki("issue", "spiffe://postern.local/writer/nobody", stem)).toMatchObject({
      status: 5,
    })
    expect(existsSync(`${stem}.key`)).toBe(false)
    expect(await pki("issue", "spiffe://postern.local/writer/app", stem)).toMatchObject({
      status: 0,
    })
    const day = new X509Certificate(readFileSync(`${stem}.crt`, "utf8"))
    expect(day.validToDate.getTime() - Date.now()).toBeLessThanOrEqual(86_400_000)
    expect(await pki("issue", "spiffe://postern.local/writer/app", stem)).toMatchObject({
      status: 1,
    })
    expect(await pki("renew", `${stem}.crt`)).toMatchObject({ status: 0 })
    writeFileSync(`${stem}.key`, readFileSync(live.config.pki.reader.key))
    expect(await pki("renew", `${stem}.crt`)).toMatchObject({
      status: 5,
      stderr: expect.stringContaining("does not belong"),
    })
  })
})

test(
  "a CA is changed with both trusted in between, and not dropped while somebody uses it",
  async () => {
    const away = join(directory, "away.yaml")
    writeFileSync(away, readFileSync(live.profiles.writer), { mode: 0o600 })
    const write = async (profile: string) => {
      const spool = { directory: join(directory, "spool") }
      const audit = await connect(profile, { spool, wait: true, onProblem: () => undefined })
      audit("invoice.deleted", deleted)
      await audit.flush()
      await audit.close()
    }
    expect(await pki("roll-ca", "finish")).toMatchObject({ status: 2 })
    expect(await pki("roll-ca", "begin")).toMatchObject({ status: 0 })
    expect(await pki("roll-ca", "begin")).toMatchObject({ status: 1 })
    const [first, second] = (await rows()).filter(({ holder }) => holder === "ca")
    const others = (await rows()).filter(({ holder }) => holder !== "ca")
    for (const { holder, authority } of others) {
      const issuer = holder === "server" ? first : second
      expect([holder, authority]).toEqual([holder, issuer?.certificate])
    }
    // Old and new go on beside each other, as does the reader under its new certificate.
    await write(away)
    await wait(() => write(live.profiles.writer))
    await wait(async () => expect(await found("invoice.*")).not.toHaveLength(0))

    expect(await pki("roll-ca", "finish", "--days", "0")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("server.crt"),
    })
    expect(await pki("renew")).toMatchObject({ status: 0 })
    expect(await pki("renew", live.config.pki.certificate)).toMatchObject({ status: 0 })
    const renewed = serialIn(live.config.pki.certificate)
    await wait(async () => expect(await shown("write")).toBe(renewed))
    await wait(() => write(live.profiles.writer))
    // Somebody elsewhere came under the old CA last.
    const { certificate, key } = loadProfile(away)
    const { ca } = loadProfile(live.profiles.writer)
    const [{ host = "", port = 0 } = {}] = live.config.listen.write
    const options = { host, port, ca, cert: certificate, key, ALPNProtocols: ["http/1.1"] }
    const old = connectTls({ ...options, checkServerIdentity: () => undefined })
    old.on("error", () => undefined)
    old.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    await once(old, "data") // It was let in.
    await live.end("port", "SIGTERM")
    await live.start("port")
    expect(await pki("roll-ca", "finish")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("CA_IN_USE"),
    })
    expect((await pki("roll-ca", "status")).stdout).toContain("writer/app")
    await write(live.profiles.writer)
    await live.end("port", "SIGTERM")
    await live.start("port")
    // Whoever has come under the new one since is in nobody's way; what readers did is written within seconds.
    expect(await runHere(["status", ...config()])).toMatchObject({ status: 0 })
    await found("invoice.*")
    await wait(async () => {
      expect(await pki("roll-ca", "finish")).toMatchObject({ status: 0, stderr: "" })
    })
    expect((await rows()).filter(({ holder }) => holder === "ca")).toHaveLength(1)
    await wait(() => expect(write(away)).rejects.toThrow())
    await write(live.profiles.writer)
    expect((await pki("roll-ca", "status")).stdout).toContain("no change")
  },
  longMs,
)

test("the service renews what is old before it starts", async () => {
  const now = new Date(Date.now() - 400 * 86_400_000)
  const ports = { write: 0, read: 0, ops: 0 }
  const made = await initDirectory({ directory: join(directory, "old"), ports, now })
  const service = startCommand(["serve", "--config", made.config.file])
  await wait(() => expect(service.said.stderr).toMatch(/reader ready/))
  expect(service.said.stderr).toContain("server.crt was renewed")
  const renewed = new X509Certificate(readFileSync(made.config.pki.certificate, "utf8"))
  expect(renewed.validToDate.getTime()).toBeGreaterThan(Date.now())
  expect(await service.stop()).toBe(0)
}, 120_000)

describe("docs/operating/rotation.md", () => {
  const page = readFileSync(
    new URL("../../../../docs/operating/rotation.md", import.meta.url),
    "utf8",
  )

  test("has commands that work in the order in which they stand there", async () => {
    await initDirectory({ directory: join(directory, "page", "audit") })
    const lines = [...page.matchAll(/^ +postern (.*)$/gm)].map(([, line = ""]) => line)
    expect(lines).toHaveLength(9)
    const inPage = (arg: string) =>
      /^audit\/|^app$/.test(arg) ? join(directory, "page", arg) : arg
    for (const line of lines) {
      const { status, stderr } = await runHere(line.split(" ").map(inPage))
      expect([line, status, stderr]).toEqual([line, 0, expect.any(String)])
    }
  })

  test("says how old keys may become, and what is measured", async () => {
    const { ages } = JSON.parse((await runHere(["key", "list", "--json", ...config()])).stdout)
    for (const { purpose, daysMax } of ages as { purpose: string; daysMax?: number }[]) {
      if (daysMax !== undefined) expect(page).toMatch(`| ${purpose} key | ${daysMax} days |`)
    }
    const metrics = await opsText("/metrics")
    const names = [...page.matchAll(/`(postern_[a-z_]+)`/g)].map(([, name = ""]) => name)
    expect(names).toHaveLength(3)
    for (const name of names) expect(metrics).toContain(`\n${name} `)
  })
})
