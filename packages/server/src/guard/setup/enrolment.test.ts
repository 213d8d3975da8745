import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadProfile } from "@postern/client"
import { PosternError } from "@postern/log/base"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { parseAccess } from "../../access/index.ts"
import { type Config, readSecretFile, readTextFile } from "../../config/index.ts"
import { handshake } from "../pki/handshake.test.support.ts"
import { enrolReader, enrolWriter, initDirectory, profilesDirectory } from "./index.ts"

const base = mkdtempSync(join(tmpdir(), "postern-enrol-"))
const now = new Date()
let config: Config

beforeAll(async () => {
  config = (await initDirectory({ directory: join(base, "audit") })).config
})
afterAll(() => rmSync(base, { recursive: true }))

async function refusal(act: Promise<unknown>): Promise<PosternError> {
  try {
    await act
  } catch (error) {
    if (error instanceof PosternError) return error
    throw error
  }
  throw new Error("it was taken")
}

const list = () => parseAccess(readTextFile(config.access))
const profiles = () => readdirSync(profilesDirectory(config)).sort()

describe("enrolment", () => {
  test("gives a writer a certificate, a grant and a profile that fit", async () => {
    const before = readTextFile(config.access)
    const made = await enrolWriter({ config, name: "billing", owner: "payments: #1", now })
    expect(made.id).toBe("spiffe://postern.local/writer/billing")
    expect(made.digest).toBe(list().digest)
    expect(readTextFile(config.access).startsWith(before)).toBe(true)
    const profile = loadProfile(made.profile)
    expect(profile).toMatchObject({ role: "writer", id: made.id, address: "127.0.0.1:17514" })
    expect(profile).toMatchObject({ source: "app://billing" })
    expect(statSync(made.profile).mode & 0o777).toBe(0o600)
    const grant = list().writer(made.id, now.getTime())
    expect([...(grant?.adapters ?? [])]).toEqual(["postern", "http"])
    expect(grant?.sources.covers("app://billing/eu")).toBe(true)
    expect(grant?.sources.covers("app://billing2")).toBe(false)
    expect(list().identities.at(-1)?.owner).toBe("payments: #1")
    const certificate = readTextFile(config.pki.certificate)
    const server = { certificate, key: readSecretFile(config.pki.key) }
    const seen = await handshake({ server, client: profile, ca: profile.ca })
    expect(seen.authorizationError).toBeNull()
  })

  test.each([
    ["app://*", "app://star0"],
    ["*", "app://star1"],
    ["db://orders", "db://orders"],
  ])("names events after the first source, %s", async (first, source) => {
    const name = source.startsWith("app://") ? source.slice("app://".length) : "star2"
    const made = await enrolWriter({ config, name, sources: [first, "x://*"], now })
    expect(loadProfile(made.profile).source).toBe(source)
    expect(list().writer(made.id, now.getTime())?.sources.covers(source)).toBe(true)
  })

  test("gives a reader what it may see, until the day it says", async () => {
    const made = await enrolReader({
      config,
      name: "watch",
      see: "monitor",
      expires: "2099-01-01",
      now,
    })
    const profile = loadProfile(made.profile)
    expect(profile).toMatchObject({ role: "reader", address: "127.0.0.1:17515" })
    expect(list().reader(made.id, now.getTime())?.see).toBe("monitor")
    expect(list().reader(made.id, Date.parse("2099-01-01"))).toBeUndefined()
  })

  test("the same name twice changes nothing", async () => {
    await enrolWriter({ config, name: "twice", now })
    const text = readTextFile(config.access)
    const names = profiles()
    expect((await refusal(enrolWriter({ config, name: "twice", now }))).code).toBe("ALREADY_EXISTS")
    writeFileSync(join(profilesDirectory(config), "writer-left.yaml"), "mine", { mode: 0o600 })
    expect((await refusal(enrolWriter({ config, name: "left", now }))).code).toBe("ALREADY_EXISTS")
    expect(readTextFile(config.access)).toBe(text)
    expect(profiles()).toEqual([...names, "writer-left.yaml"].sort())
  })

  test("ten at once are ten, or told to come again", async () => {
    const names = Array.from({ length: 10 }, (_, n) => `many${n}`)
    const results = await Promise.allSettled(
      names.map((name) => enrolWriter({ config, name, now })),
    )
    for (const [n, result] of results.entries()) {
      const known = list().identities.some((one) => one.id.endsWith(`/many${n}`))
      expect(known).toBe(result.status === "fulfilled")
      expect(existsSync(join(profilesDirectory(config), `writer-many${n}.yaml`))).toBe(known)
    }
    expect(results.some((result) => result.status === "fulfilled")).toBe(true)
  })

  test("an interrupted change stops the next one and nothing is half done", async () => {
    const lock = `${config.access}.new`
    writeFileSync(lock, "half")
    const names = profiles()
    const error = await refusal(enrolWriter({ config, name: "blocked", now }))
    expect(error.code).toBe("ALREADY_EXISTS")
    expect(error.detail).toContain(lock)
    expect(profiles()).toEqual(names)
    rmSync(lock)
    await enrolWriter({ config, name: "blocked", now })
    expect(existsSync(lock)).toBe(false)
  })

  test.each([
    ["a name with a slash", { name: "a/b" }, "USAGE"],
    ["a name that leads up", { name: ".." }, "USAGE"],
    ["an upper-case name", { name: "App" }, "USAGE"],
    ["no name", { name: "" }, "USAGE"],
    ["a source with a star inside", { name: "x", sources: ["a*b"] }, "USAGE"],
    ["no source", { name: "x", sources: [] }, "USAGE"],
    ["an action in capitals", { name: "x", actions: ["Delete"] }, "USAGE"],
    ["an unknown way in", { name: "x", adapters: ["ftp" as "http"] }, "USAGE"],
    ["a day that is none", { name: "x", expires: "2027-13-01" }, "USAGE"],
    ["an address without port", { name: "x", address: "localhost" }, "USAGE"],
  ])("%s is refused and leaves nothing behind", async (_name, options, code) => {
    const text = readTextFile(config.access)
    const names = profiles()
    const error = await refusal(enrolWriter({ config, now, ...options }))
    expect(error.code).toBe(code)
    expect(error.detail).not.toMatch(/^line/)
    expect(readTextFile(config.access)).toBe(text)
    expect(profiles()).toEqual(names)
  })

  test("without the CA's key nothing is made", async () => {
    const { caKey: _caKey, ...pki } = config.pki
    const error = await refusal(enrolWriter({ config: { ...config, pki }, name: "nokey", now }))
    expect(error.code).toBe("CONFIG_INVALID")
    expect(error.detail).toContain("pki.caKey")
    expect(list().identities.some((one) => one.id.endsWith("/nokey"))).toBe(false)
  })
})
