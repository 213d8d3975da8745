import { execFileSync } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { appendFileSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { type Audit, connect, type LogEntry, openReader, type Problem } from "@postern/client"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { createAuthority, type KeyPair } from "../../packages/server/dist/guard/pki/index.js"
import { openAnswering } from "../../packages/server/dist/postbox/index.js"
import { type Answer, type Asked, ask } from "../support/http-client.ts"
import { Service } from "../support/processes.ts"
import { pause, until } from "../support/waiting.ts"

const waitMs = 60_000
/** Renewed every ten seconds or so: that leaves five in which a renewal is not late. */
const lifeSeconds = 20

let service: Service
let undo: (() => unknown)[]
beforeEach(async () => {
  undo = []
  service = await Service.make()
  await service.start("port", "reader")
})
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
  await service.remove()
})

const serialOf = (file: string): string =>
  new X509Certificate(
    readFileSync(file, "utf8").replaceAll("  ", "").split("certificate: |\n")[1] ?? "",
  ).serialNumber

async function openWriter(file: string, problems: Problem[] = []): Promise<Audit> {
  const audit = await connect(file, { wait: true, onProblem: (problem) => problems.push(problem) })
  undo.push(() => audit.close(0))
  return audit
}

/** Everything in the log, from its beginning on, as it comes. */
function openTail(file: string) {
  const entries: LogEntry[] = []
  const cuts: unknown[] = []
  const end = new AbortController()
  const reader = openReader(file)
  const tailing = (async () => {
    const options = { after: -1, signal: end.signal, onCut: (error: unknown) => cuts.push(error) }
    for await (const entry of reader.tail({}, options)) entries.push(entry)
  })()
  undo.push(async () => {
    end.abort()
    await tailing
    reader.close()
  })
  const of = (action: string) => entries.filter(({ event }) => event.action === action)
  const data = (action: string) =>
    of(action).map(({ event }) => event.data as Record<string, string>)
  return { of, data, cuts }
}

const some = <T>(all: readonly T[], count: number): readonly T[] | undefined =>
  all.length >= count ? all : undefined

describe("over several renewals", () => {
  test("a writer and a tail live on: nothing is lost, nothing is connected anew", {
    timeout: 150_000,
  }, async () => {
    await service.start("courier")
    const [writer, reader] = [
      await service.shortLived("writer", lifeSeconds),
      await service.shortLived("reader", lifeSeconds),
    ]
    const comment = "# kept by its owner\n"
    appendFileSync(writer, comment)
    const problems: Problem[] = []
    const tail = openTail(reader)
    const audit = await openWriter(writer, problems)
    const renewals = (plane: string) =>
      tail.data("postern.certificate.renewed").filter((one) => one.plane === plane)
    let sent = 0
    // Each of the two lives longer than three of its certificates.
    while (renewals("write").length < 3 || renewals("read").length < 3) {
      audit("door.opened", { actor: "alice", data: { n: sent++ } })
      await pause(20)
      if (sent > 4000) throw new Error(`not renewed: ${JSON.stringify(problems)}`)
    }
    await audit.flush()
    await until(() => some(tail.of("door.opened"), sent), waitMs, "all entries")
    const numbers = tail.of("door.opened").map(({ event }) => (event.data as { n: number }).n)
    expect(numbers).toEqual(Array.from({ length: sent }, (_, n) => n))
    expect([tail.cuts, problems]).toEqual([[], []])
    const opened = tail
      .data("postern.stream.opened")
      .filter((one) => one.writer?.includes("/writer/"))
    expect(opened).toHaveLength(1)
    for (const [plane, name, file] of [
      ["write", "writer", writer],
      ["read", "reader", reader],
    ] as const) {
      // The certificate may be in its place a moment before the tail has its entry.
      const serial = serialOf(file).toLowerCase().replace(/^0+/, "")
      const isTold = () => renewals(plane).some((one) => one.serial === serial) || undefined
      await until(isTold, waitMs, `the last renewal of the ${name}`)
      const chain = renewals(plane)
      for (const [at, one] of chain.entries()) {
        expect(one.identity).toBe(service.profile(name).id)
        if (at > 0) expect(one.previous).toBe(chain[at - 1]?.serial)
      }
      expect(chain.map((one) => one.serial)).toContain(serial)
      expect(statSync(file).mode & 0o777).toBe(0o600)
    }
    expect(readFileSync(writer, "utf8").endsWith(comment)).toBe(true)
    // What it was given is good for the next connection, after everything older has expired, and for its stream.
    await audit.close()
    const again = await openWriter(writer)
    const receipt = await again.confirm("door.closed", { actor: "alice" })
    expect(receipt.index).toBeGreaterThan(0)
  })

  test("a profile that the application holds is renewed into its hands, and not without them", {
    timeout: 120_000,
  }, async () => {
    await service.start("courier")
    await service.shortLived("writer", lifeSeconds)
    const directory = join(service.directory, "spools")
    const profile = service.profile("writer")
    const renewed: KeyPair[] = []
    const open = async (name: string, more: object) => {
      const spool = { directory: join(directory, name) }
      const audit = await connect(profile, {
        ...more,
        spool,
        wait: true,
        onProblem: () => undefined,
      })
      undo.push(() => audit.close(0))
    }
    await open("without", {})
    await open("with", { onRenewed: (pair: KeyPair) => void renewed.push(pair) })
    await until(() => renewed[0], waitMs, "a renewal")
    expect(new X509Certificate(renewed[0]?.certificate ?? "").subjectAltName).toBe(
      `URI:${profile.id}`,
    )
    const issued = () => service.said("courier").split("a certificate was issued").length - 1
    await until(() => issued() >= renewed.length || undefined, waitMs, "the courier's word of it")
    expect(issued()).toBe(renewed.length)
  })
})

describe("a renewal", () => {
  test("waits for a courier that is down; writing goes on, and somebody is told in time", {
    timeout: 150_000,
  }, async () => {
    const writer = await service.shortLived("writer", 300, 230)
    const before = serialOf(writer)
    const problems: Problem[] = []
    const audit = await openWriter(writer, problems)
    const late = () => problems.find(({ code }) => code === "RENEWAL_LATE")
    expect((await until(late, waitMs, "a word")).message).toContain("UNANSWERED")
    await audit.confirm("door.opened", { actor: "alice" })
    await service.start("courier")
    await until(() => (serialOf(writer) === before ? undefined : true), waitMs, "the renewal")
    await audit.confirm("door.closed", { actor: "alice" })
  })

  test("by a courier that hands out a stranger's certificate changes nothing", {
    timeout: 120_000,
  }, async () => {
    const stranger = await createAuthority({ trustDomain: "postern.local", now: new Date() })
    const writer = await service.shortLived("writer", 300, 240)
    const { id } = service.profile("writer")
    const state = join(service.directory, "data/state")
    const answering = openAnswering({
      own: join(state, "courier"),
      askers: { port: join(state, "port") },
      handlers: { certificate: () => service.issue(id, 60, 0, stranger) },
      failed: () => undefined,
    })
    undo.push(() => answering.close())
    const before = readFileSync(writer, "utf8")
    const problems: Problem[] = []
    const audit = await openWriter(writer, problems)
    const late = () => problems.find(({ code }) => code === "RENEWAL_LATE")
    expect((await until(late, waitMs, "a word")).message).toContain("RENEWAL_FAILED")
    const isSaid = () =>
      service.said("port").includes("an issued certificate is not passed on") || undefined
    await until(isSaid, waitMs, "the port's word of it")
    await audit.confirm("door.opened", { actor: "alice" })
    expect(readFileSync(writer, "utf8")).toBe(before)
  })
})

describe("over HTTP", () => {
  const openssl = (...more: string[]): Buffer => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    const out = ["-keyout", join(service.directory, "new.key"), "-outform", "DER"]
    const args = ["req", "-new", ...key, ...out, "-subj", "/CN=x", ...more]
    return execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] })
  }

  async function post(plane: "write" | "read", identity: KeyPair, body: Buffer, more: Asked = {}) {
    const place = { host: "127.0.0.1", port: service.addresses[plane] }
    const headers = { "content-type": "application/pkcs10" }
    const asked = { path: "/v1/certificate", body, headers, ...more }
    return ask(place, service.ca.certificate, { id: "", ...identity }, asked)
  }

  test.each([
    ["write", "writer"],
    ["read", "reader"],
  ] as const)(
    "the %s plane gives a certificate for the connection's identity, whatever the request names",
    { timeout: 60_000 },
    async (plane, name) => {
      await service.start("courier")
      const { id } = service.profile(name)
      const old = await service.issue(id, 3600, 1800)
      const names = "subjectAltName=URI:spiffe://postern.local/operator/admin,DNS:example.org"
      const given = await post(plane, old, openssl("-addext", names))
      expect(given.text).toMatch(/^-----BEGIN CERTIFICATE-----\n/)
      expect([given.status, given.headers["content-type"]]).toEqual([
        200,
        "application/pem-certificate-chain",
      ])
      const made = new X509Certificate(given.text)
      expect(made.subjectAltName).toBe(`URI:${id}`)
      // It is good for a connection.
      const fresh = {
        certificate: given.text,
        key: readFileSync(join(service.directory, "new.key"), "utf8"),
      }
      const early = await post(plane, fresh, openssl())
      expect([early.status, early.json.code]).toEqual([409, "RENEWAL_EARLY"])
      const refusals: [string, Promise<Answer>][] = [
        ["RENEWAL_REFUSED", post(plane, old, Buffer.from("garbage"))],
        ["RENEWAL_REFUSED", post(plane, old, Buffer.alloc(4097))],
        ["RENEWAL_REFUSED", post(plane, old, Buffer.alloc(0))],
        ["HTTP_CONTENT_TYPE", post(plane, old, openssl(), { headers: {} })],
      ]
      for (const [code, refused] of refusals) expect((await refused).json.code).toBe(code)
      // Not for an identity of the other plane, and nothing else is taken there.
      const other = service.profile(plane === "write" ? "reader" : "writer")
      await expect(post(plane, other, openssl())).rejects.toThrow()
      const path = plane === "write" ? "/v1/certificates" : "/v1/events"
      expect((await post(plane, old, openssl(), { path })).status).toBeGreaterThanOrEqual(404)
    },
  )

  test("nobody asks too often, and nobody who was revoked gets in", {
    timeout: 60_000,
  }, async () => {
    await service.start("courier")
    const { id } = service.profile("writer")
    const old = await service.issue(id, 3600, 1800)
    for (let times = 0; times < 8; times++) {
      expect((await post("write", old, openssl())).status).toBe(200)
    }
    const often = await post("write", old, openssl())
    expect([often.status, often.json.code]).toEqual([429, "RATE_LIMITED"])
    const serial = new X509Certificate(old.certificate).serialNumber
      .toLowerCase()
      .replace(/^0+/, "")
    appendFileSync(join(service.directory, "access.yaml"), `revoked:\n  - serial: "${serial}"\n`)
    service.signal("port", "SIGHUP")
    const isOut = () =>
      post("write", old, openssl()).then(
        () => undefined,
        () => true,
      )
    await until(isOut, waitMs, "the revocation")
  })
})
