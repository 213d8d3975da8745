import { execFileSync } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { issueCertificate } from "../guard/pki/index.ts"
import { issueOdd, serverUsage } from "./certificates.test.support.ts"
import { createPki, openDoorway, type Pki } from "./doorway.test.support.ts"
import { type CertificateFacts, TlsFiles } from "./index.ts"

const serverId = "spiffe://postern.test/server"
let pki: Pki
let otherPki: Pki
let directory: string
let door: Awaited<ReturnType<typeof openDoorway>>
let files: TlsFiles
let applied: [CertificateFacts, CertificateFacts][]
let problems: string[]

const path = (name: string) => join(directory, name)
const paths = () => ({ key: path("tls.key"), certificate: path("tls.crt"), ca: path("ca.crt") })

function write(change: { key?: string; certificate?: string; ca?: string }): void {
  for (const [name, text] of Object.entries(change)) {
    writeFileSync(paths()[name as "key"], text, { mode: 0o600 })
  }
}

/** The certificate that a new connection is shown. */
async function shown(): Promise<string> {
  const client = door.dial(pki.writer, { rejectUnauthorized: false })
  await once(client, "secureConnect")
  const serial = client.getPeerX509Certificate()?.serialNumber.toLowerCase() ?? ""
  client.destroy()
  return serial
}

beforeAll(async () => {
  pki = await createPki()
  otherPki = await createPki()
})

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-tls-"))
  write(pki.tls)
  door = await openDoorway(pki)
  applied = []
  problems = []
  files = new TlsFiles(paths(), {
    side: "server",
    apply: (tls) => door.acceptor.setTls(tls),
    applied: (...facts) => applied.push(facts),
    refused: (problem) => problems.push(problem),
  })
})

afterEach(async () => {
  await door.close()
  rmSync(directory, { recursive: true })
})

describe("renewed files", () => {
  it("are in force for new connections, and live ones stay", async () => {
    const live = await door.enter(pki.writer)
    const before = files.facts
    write(await pki.issue(serverId, "server"))
    await files.reload()
    expect(await shown()).toBe(files.facts.serial)
    expect(files.facts.serial).not.toBe(before.serial)
    expect(applied).toEqual([[files.facts, before]])
    live.socket.write("still here")
    expect(String(await once(live.client, "data"))).toBe("still here")
  })

  it("are looked at twice before they count, so that half a change is none", async () => {
    await files.look()
    const next = await pki.issue(serverId, "server")
    write({ certificate: next.certificate })
    await files.look()
    write({ key: next.key })
    await files.look()
    expect(applied).toHaveLength(0)
    await files.look()
    expect(applied).toHaveLength(1)
    expect(problems).toEqual([])
  })

  it("may be swapped by a symbolic link, as mounted secrets are", async () => {
    const put = (name: string, tls: typeof pki.tls) => {
      mkdirSync(path(name))
      writeFileSync(path(`${name}/tls.key`), tls.key, { mode: 0o600 })
      writeFileSync(path(`${name}/tls.crt`), tls.certificate)
      writeFileSync(path(`${name}/ca.crt`), tls.ca)
      symlinkSync(name, path("..new"))
      renameSync(path("..new"), path("..data"))
    }
    put("..1", pki.tls)
    for (const file of Object.values(paths())) {
      rmSync(file)
      symlinkSync(join("..data", file.slice(directory.length + 1)), file)
    }
    await files.look()
    await files.look()
    expect(applied).toHaveLength(0)
    put("..2", { ...(await pki.issue(serverId, "server")), ca: pki.tls.ca })
    await files.look()
    await files.look()
    expect(applied).toHaveLength(1)
    expect(await shown()).toBe(files.facts.serial)
  })

  it("may name several CAs, all of which are trusted at once", async () => {
    write({ ca: `${pki.tls.ca}\n${otherPki.tls.ca}` })
    await files.reload()
    expect(files.facts.authorities).toHaveLength(2)
    await door.enter(otherPki.writer)
    await door.enter(pki.writer)
  })
})

describe("what no peer would accept", () => {
  const day = 86_400_000
  const odd = (more: object) =>
    issueOdd(pki.authority, {
      names: [{ type: "url", value: serverId }],
      usages: [serverUsage],
      ...more,
    })
  const cases: [string, () => Promise<Parameters<typeof write>[0]>, RegExp][] = [
    ["a key of another certificate", async () => ({ key: otherPki.tls.key }), /does not belong/],
    [
      "another SPIFFE ID",
      () => pki.issue("spiffe://postern.test/server2", "server"),
      /server2 instead of/,
    ],
    [
      "a certificate that has expired",
      () => odd({ notAfter: new Date(Date.now() - 1000) }),
      /expired/,
    ],
    [
      "one that is not valid yet",
      () =>
        odd({ notBefore: new Date(Date.now() + day), notAfter: new Date(Date.now() + 2 * day) }),
      /not valid yet/,
    ],
    ["one for clients", () => pki.issue(serverId, "client"), /not made for servers/],
    ["one of an unknown CA", () => otherPki.issue(serverId, "server"), /a peer would refuse/],
    ["one that says it is a CA", () => odd({ isCa: true }), /CA certificate/],
    ["two names", () => odd({ names: [serverId, serverId].map(url) }), /2 URI names/],
    ["half a certificate", async () => ({ certificate: pki.tls.certificate.slice(0, 300) }), /PEM/],
    ["half a key", async () => ({ key: pki.tls.key.slice(0, 60) }), /PEM/],
    ["no CA at all", async () => ({ ca: "" }), /no CA certificate/],
    ["a CA that did not issue it", async () => ({ ca: otherPki.tls.ca }), /a peer would refuse/],
    ["a leaf as CA", async () => ({ ca: pki.writer.certificate }), /not a CA/],
  ]
  const url = (value: string) => ({ type: "url" as const, value })

  it.each(cases)("%s is refused, and what was in force stays", async (_name, make, detail) => {
    const before = files.facts
    write(await make())
    await expect(files.reload()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    await files.reload().catch(() => undefined)
    expect(problems).toEqual([expect.stringMatching(detail)])
    expect(files.problem).toBe(problems[0])
    expect(await shown()).toBe(before.serial)
    write(pki.tls)
    await files.look()
    await files.look()
    expect(files.problem).toBeUndefined()
    expect(applied).toEqual([])
  })

  const places: [string, (file: string) => void][] = [
    ["a directory", (file) => mkdirSync(file)],
    ["a link to itself", (file) => symlinkSync(file, file)],
    ["nothing", () => undefined],
    ["bytes that are no text", (file) => writeFileSync(file, Buffer.from([0xff, 0xfe]))],
  ]
  it.each(places)("%s in the place of a file is refused", async (_name, put) => {
    for (const file of Object.values(paths())) {
      rmSync(file)
      put(file)
      await expect(files.reload()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
      rmSync(file, { recursive: true, force: true })
      write(pki.tls)
      await files.reload()
    }
    expect(await shown()).toBe(files.facts.serial)
  })

  it("is refused whatever stands there, and never ends the process", async () => {
    const names = fc.constantFrom("key", "certificate", "ca" as const)
    const damage = fc.tuple(names, fc.nat(), fc.nat(2), fc.base64String({ maxLength: 8 }))
    await fc.assert(
      fc.asyncProperty(damage, async ([name, at, cut, put]) => {
        const text = pki.tls[name as "key"]
        const from = at % text.length
        write({ [name]: text.slice(0, from) + put + text.slice(from + cut) })
        const before = files.tls
        const error = await files.reload().then(
          () => undefined,
          (reason) => reason,
        )
        expect([undefined, "CONFIG_INVALID"]).toContain(error?.code)
        if (error !== undefined) expect(files.tls).toBe(before)
      }),
      { numRuns: 200 },
    )
    write(pki.tls)
    await files.reload()
    await door.enter(pki.writer)
  })

  it("is refused as a pipe, at once", async () => {
    rmSync(paths().key)
    execFileSync("mkfifo", [paths().key])
    await expect(files.reload()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
  })

  it.runIf(process.getuid !== undefined)("a key that others may read is refused", async () => {
    chmodSync(paths().key, 0o644)
    await expect(files.reload()).rejects.toThrow(/open to others/)
  })

  it("is refused at the start as well", async () => {
    const client = await issueCertificate({
      ...{ authority: pki.authority, id: serverId, usage: "client", now: new Date() },
    })
    write(client)
    const world = { apply: () => undefined, applied: () => undefined, refused: () => undefined }
    expect(() => new TlsFiles(paths(), { side: "server", ...world })).toThrow(/made for servers/)
    expect(new TlsFiles(paths(), { side: "client", ...world }).facts.id).toBe(serverId)
  })
})

describe("a client's files", () => {
  it("are judged as the door judges them", async () => {
    write({ ...pki.writer, ca: pki.tls.ca })
    const world = { apply: () => undefined, applied: () => undefined, refused: () => undefined }
    const client = new TlsFiles(paths(), { side: "client", ...world })
    write(await pki.issue(client.facts.id, "client"))
    await client.reload()
    write(await otherPki.issue(client.facts.id, "client"))
    await expect(client.reload()).rejects.toThrow(/a peer would refuse/)
  })
})
