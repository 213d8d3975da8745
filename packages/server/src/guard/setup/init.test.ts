import { X509Certificate } from "node:crypto"
import {
  existsSync,
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
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { parseAccess, spiffeIdOf } from "../../access/index.ts"
import { dataDirectories, loadConfig, readSecretFile, readTextFile } from "../../config/index.ts"
import { handshake } from "../pki/handshake.test.support.ts"
import { verifierKey } from "../pki/index.ts"
import { type Installation, initDirectory, logVerifierKey } from "./index.ts"

const base = mkdtempSync(join(tmpdir(), "postern-init-"))
afterAll(() => rmSync(base, { recursive: true }))

async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act
  } catch (error) {
    if (error instanceof PosternError) return error.code
    throw error
  }
  return "none"
}

/** Every file below a directory with its bytes, to see that nothing was touched. */
function snapshot(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  return new Map(files.map((file) => [file, readFileSync(file, "base64")]))
}

describe("init", () => {
  let made: Installation
  beforeAll(async () => {
    made = await initDirectory({ directory: join(base, "first") })
  })

  test("keeps keys and profiles to their owner", () => {
    const mode = (path: string) => (statSync(join(made.directory, path)).mode & 0o777).toString(8)
    for (const path of ["", "pki", "profiles", "data"])
      expect([path, mode(path)]).toEqual([path, "700"])
    const secret = /\.key$|^profiles\//
    for (const path of made.files) {
      expect([path, mode(path)]).toEqual([path, secret.test(path) ? "600" : "644"])
      const text = readFileSync(join(made.directory, path), "utf8")
      expect([path, text.includes("PRIVATE KEY")]).toEqual([path, secret.test(path)])
    }
    expect(made.files.filter((path) => secret.test(path))).toHaveLength(9)
  })

  test("writes a configuration that says what it would be without one", () => {
    const config = loadConfig(join(made.directory, "postern.yaml"))
    expect(config).toEqual(made.config)
    expect(config.listen).toEqual({
      allow: [],
      write: [{ host: "127.0.0.1", port: 17514 }],
      read: [{ host: "127.0.0.1", port: 17515 }],
      ops: [{ host: "127.0.0.1", port: 17516 }],
    })
    const vkey = logVerifierKey(config)
    expect(vkey).toBe(made.vkey)
    expect(vkey).not.toBe(verifierKey(config.origin, readSecretFile(config.pki.receiptKey)))
  })

  test("grants what the profiles need, and only the reader process is internal", () => {
    const list = parseAccess(readTextFile(made.config.access))
    const nowMs = Date.now()
    const writer = loadProfile(made.profiles.writer)
    const grant = list.writer(writer.id, nowMs)
    expect(grant?.internal).toBe(false)
    expect(grant?.sources.covers(writer.source ?? "")).toBe(true)
    expect(list.reader(loadProfile(made.profiles.reader).id, nowMs)?.see).toBe("auditor")
    expect(list.operator(loadProfile(made.profiles.operator).id, nowMs)).toBe(true)
    const pem = readTextFile(made.config.pki.reader.certificate)
    const readerProcess = spiffeIdOf(new X509Certificate(pem))
    expect(list.writer(readerProcess, nowMs)?.internal).toBe(true)
    expect(list.identities).toHaveLength(5)
  })

  test("gives profiles that lead to the server and to the admin socket", async () => {
    for (const file of Object.values(made.profiles)) {
      const profile = loadProfile(file)
      expect(profile.log).toEqual({ origin: "postern.local/audit", vkey: made.vkey })
      expect(spiffeIdOf(new X509Certificate(profile.certificate))).toBe(profile.id)
      const certificate = readTextFile(made.config.pki.certificate)
      const server = { certificate, key: readSecretFile(made.config.pki.key) }
      const seen = await handshake({ server, client: profile, ca: profile.ca })
      expect(seen.authorizationError).toBeNull()
      expect(spiffeIdOf(new X509Certificate(certificate), "server")).toBe(profile.server)
    }
    expect(loadProfile(made.profiles.writer).address).toBe("127.0.0.1:17514")
    expect(loadProfile(made.profiles.reader).address).toBe("127.0.0.1:17515")
    const { adminSocket } = dataDirectories(made.config)
    expect(loadProfile(made.profiles.operator).address).toBe(adminSocket)
    const spool = join(made.config.data, "state/writers/app/spool")
    expect(loadProfile(made.profiles.writer).spool).toBe(spool)
  })

  test("never overwrites, whatever of it is there", async () => {
    const before = snapshot(made.directory)
    expect(await codeOf(initDirectory({ directory: made.directory }))).toBe("ALREADY_EXISTS")
    expect(snapshot(made.directory)).toEqual(before)
    for (const name of ["postern.yaml", "access.yaml", "pki", "profiles", "data"]) {
      const directory = join(base, `part-${name}`)
      mkdirSync(directory)
      if (name.endsWith("yaml")) writeFileSync(join(directory, name), "mine")
      else mkdirSync(join(directory, name))
      expect(await codeOf(initDirectory({ directory }))).toBe("ALREADY_EXISTS")
      expect(readdirSync(directory)).toEqual([name])
    }
  })

  test("leaves other files of the directory alone", async () => {
    const directory = join(base, "shared")
    mkdirSync(directory)
    writeFileSync(join(directory, "README"), "mine")
    await initDirectory({ directory })
    expect(readFileSync(join(directory, "README"), "utf8")).toBe("mine")
    expect(existsSync(join(directory, "postern.yaml"))).toBe(true)
  })

  test("takes back what it wrote if it cannot finish", async () => {
    const directory = join(base, "blocked")
    mkdirSync(directory)
    symlinkSync("/nowhere", join(directory, "data"))
    await expect(initDirectory({ directory })).rejects.toThrow("EEXIST")
    expect(readdirSync(directory)).toEqual(["data"])
  })

  test("puts hosts into certificate, listen and profiles", async () => {
    const { config, profiles } = await initDirectory({
      directory: join(base, "hosts"),
      origin: "example.com/audit",
      hosts: ["audit.example.com", "10.0.0.5", "fd00::5"],
      ports: { write: 1, read: 2, ops: 3 },
    })
    expect(config.listen.write).toEqual([
      { host: "10.0.0.5", port: 1 },
      { host: "fd00::5", port: 1 },
      { host: "127.0.0.1", port: 1 },
    ])
    expect(config.listen.ops).toEqual([{ host: "127.0.0.1", port: 3 }])
    const certificate = new X509Certificate(readTextFile(config.pki.certificate))
    expect(certificate.checkHost("audit.example.com")).toBeDefined()
    for (const address of ["10.0.0.5", "fd00::5", "127.0.0.1", "::1"]) {
      expect(certificate.checkIP(address)).toBeDefined()
    }
    expect(spiffeIdOf(certificate, "server")).toBe("spiffe://example.com/server")
    expect(loadProfile(profiles.writer).address).toBe("audit.example.com:1")
    expect(loadProfile(profiles.reader).address).toBe("audit.example.com:2")
  })

  test.each([
    ["an origin with a space", { origin: "a b" }],
    ["an origin with a plus", { origin: "a+b" }],
    ["an origin that is no trust domain", { origin: "a_b/audit" }],
    ["an upper-case origin", { origin: "Example.com/audit" }],
    ["a host that is none", { hosts: ["a b"] }],
    ["every IPv4 address", { hosts: ["0.0.0.0"] }],
    ["every IPv6 address", { hosts: ["::"] }],
    ["every IPv6 address, spelled out", { hosts: ["0:0:0:0:0:0:0:0"] }],
  ])("refuses %s and makes nothing", async (_name, options) => {
    const directory = join(base, "refused")
    expect(await codeOf(initDirectory({ directory, ...options }))).toBe("USAGE")
    expect(existsSync(directory)).toBe(false)
  })
})
