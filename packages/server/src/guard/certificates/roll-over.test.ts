import { X509Certificate } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { loadProfile } from "@postern/client"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type Config, dataDirectories, readSecretFile } from "../../config/index.ts"
import { createAuthority, issueCertificate, splitBundle } from "../pki/index.ts"
import { type Installation, initDirectory } from "../setup/index.ts"
import {
  beginRollOver,
  finishRollOver,
  listCertificates,
  readRollOver,
  renewDue,
  renewFile,
} from "./index.ts"

const now = new Date()
const dayMs = 86_400_000
let directory: string
let made: Installation
let config: Config

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-roll-"))
  made = await initDirectory({ directory: join(directory, "audit") })
  config = made.config
})

afterEach(() => rmSync(directory, { recursive: true }))

const bundle = () => splitBundle(readFileSync(config.pki.ca, "utf8"))
const everything = () => renewDue(config, now, () => true)
const codeOf = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}

/** As port or reader writes it. */
function used(file: string, uses: readonly object[]): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify({ postern: "authorities@v1", uses }))
}

/** A change of which the files have nothing to do with the old CA any more. */
async function almostDone() {
  const state = await beginRollOver(config, now)
  await everything()
  await renewFile(config, config.pki.certificate, now)
  return state
}

describe("a change of the CA", () => {
  test("trusts both, issues from the new one, and ends with that alone", async () => {
    const [before = ""] = bundle()
    const key = readSecretFile(config.pki.caKey ?? "")
    const state = await beginRollOver(config, now)
    expect(bundle()).toEqual([before, expect.stringContaining("BEGIN")])
    expect(readSecretFile(config.pki.caKey ?? "")).not.toBe(key)
    const { renewed, left } = await everything()
    expect(renewed).toHaveLength(5)
    expect(left).toMatchObject([{ file: config.pki.certificate }])
    for (const file of Object.values(made.profiles)) {
      expect(splitBundle(loadProfile(file).ca)).toEqual(bundle())
    }
    expect(codeOf(() => finishRollOver(config, now, 0))).toBe("CA_IN_USE")
    await renewFile(config, config.pki.certificate, now)
    expect(finishRollOver(config, now, 0)).toMatchObject({ leaving: state.leaving, inUse: [] })
    expect(bundle()).toHaveLength(1)
    expect(listCertificates(config, now).map((one) => one.state)).not.toContain("fail")
    for (const file of Object.values(made.profiles)) {
      expect(splitBundle(loadProfile(file).ca)).toEqual(bundle())
    }
    expect(readRollOver(config, now, 0)).toBeUndefined()
    await beginRollOver(config, now)
  })

  test("leaves a CA of somebody else in the bundle", async () => {
    const other = await createAuthority({ trustDomain: "other.test", now })
    writeFileSync(config.pki.ca, `${readFileSync(config.pki.ca, "utf8")}${other.certificate}`)
    await almostDone()
    finishRollOver(config, now, 0)
    expect(bundle()).toHaveLength(2)
    expect(bundle()[0]).toBe(other.certificate)
  })

  test("is not begun twice, nor without the CA's key", async () => {
    await beginRollOver(config, now)
    await expect(beginRollOver(config, now)).rejects.toMatchObject({ code: "ALREADY_EXISTS" })
    const { caKey: _caKey, ...pki } = config.pki
    const without = { ...config, pki }
    await expect(beginRollOver(without, now)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    await expect(renewDue(without, now, () => true)).rejects.toThrow(/caKey is missing/)
  })

  test("that was interrupted before the new key was there is begun again, and not ended", async () => {
    const [before = ""] = bundle()
    writeFileSync(join(dirname(config.pki.ca), "ca-leaving.crt"), before)
    expect(codeOf(() => finishRollOver(config, now, 0))).toBe("CA_IN_USE")
    await almostDone()
    finishRollOver(config, now, 0)
    expect(bundle()).toHaveLength(1)
    expect(bundle()[0]).not.toBe(before)
  })

  test("is ended by nobody if none is under way", () => {
    expect(codeOf(() => finishRollOver(config, now, 0))).toBe("USAGE")
  })
})

describe("the old CA is not dropped", () => {
  const use = (authority: string, id: string, ageDays: number) => ({
    authority,
    id: `spiffe://postern.local/${id}`,
    atMs: now.getTime() - ageDays * dayMs,
  })

  test("while an identity came under it last, at the port or at the reader", async () => {
    const { leaving, issuing = "" } = await almostDone()
    const { portAuthorities, readerAuthorities } = dataDirectories(config)
    for (const file of [portAuthorities, readerAuthorities]) {
      used(file, [use(leaving, "writer/app", 1), use(issuing, "reader/auditor", 1)])
      expect(readRollOver(config, now, 30)?.inUse).toMatchObject([
        { by: "spiffe://postern.local/writer/app" },
      ])
      expect(codeOf(() => finishRollOver(config, now, 30))).toBe("CA_IN_USE")
      used(file, [
        use(leaving, "writer/app", 2),
        use(issuing, "writer/app", 1),
        use(leaving, "operator/admin", 31),
      ])
      expect(readRollOver(config, now, 30)?.inUse).toEqual([])
    }
    finishRollOver(config, now, 30)
  })

  test("while an identity is in under both at once", async () => {
    const { leaving, issuing = "" } = await almostDone()
    const file = dataDirectories(config).portAuthorities
    used(file, [use(leaving, "writer/app", 0), use(issuing, "writer/app", 0)])
    expect(readRollOver(config, now, 30)?.inUse).toMatchObject([
      { by: "spiffe://postern.local/writer/app" },
    ])
  })

  test("but for somebody who was taken off the access list", async () => {
    const { leaving } = await almostDone()
    used(dataDirectories(config).portAuthorities, [use(leaving, "writer/gone", 0)])
    expect(readRollOver(config, now, 30)?.inUse).toEqual([])
  })

  test("while a profile here does not trust the new one", async () => {
    const text = readFileSync(made.profiles.writer)
    await almostDone()
    writeFileSync(made.profiles.writer, text)
    const { inUse = [] } = readRollOver(config, now, 0) ?? {}
    expect(inUse.map(({ by }) => by)).toEqual([made.profiles.writer, made.profiles.writer])
  })
})

describe("what is renewed", () => {
  test("keeps mode and profile, and is nobody who was revoked", async () => {
    const file = made.profiles.reader
    const before = loadProfile(file)
    await renewFile(config, file, now)
    const { certificate, key, ...rest } = loadProfile(file)
    expect({ ...rest }).toEqual({ ...before, certificate: undefined, key: undefined, ...rest })
    expect(key).not.toBe(before.key)
    const { serialNumber } = new X509Certificate(certificate)
    const serial = serialNumber.toLowerCase().replace(/^0+/, "")
    const access = readFileSync(config.access, "utf8")
    writeFileSync(config.access, `${access}revoked:\n  - serial: "${serial}"\n`)
    await expect(renewFile(config, file, now)).rejects.toMatchObject({
      code: "CERTIFICATE_REVOKED",
    })
    expect(loadProfile(file).key).toBe(key)
  })

  test("is only what our CA issued, though others are trusted as well", async () => {
    const other = await createAuthority({ trustDomain: "postern.local", now })
    const id = "spiffe://postern.local/server"
    const theirs = await issueCertificate({ authority: other, id, usage: "server", now })
    writeFileSync(config.pki.ca, `${readFileSync(config.pki.ca, "utf8")}${other.certificate}`)
    writeFileSync(config.pki.certificate, theirs.certificate)
    writeFileSync(config.pki.key, theirs.key)
    const { renewed, left } = await everything()
    expect(renewed.map(({ file }) => file)).not.toContain(config.pki.certificate)
    expect(left).toEqual([])
    await expect(renewFile(config, config.pki.certificate, now)).rejects.toThrow(/our CA did not/)
    expect(readFileSync(config.pki.certificate, "utf8")).toBe(theirs.certificate)
    const server = listCertificates(config, now).find(({ holder }) => holder === "server")
    expect(server).toMatchObject({ state: "ok", isOurs: false })
  })

  test("is listed with what is wrong with it", () => {
    writeFileSync(made.profiles.operator, "somebody else's")
    rmSync(config.pki.reader.certificate)
    const late = listCertificates(config, new Date(now.getTime() + 400 * dayMs))
    const wrong = (holder: string) => late.filter((one) => one.holder === holder)
    expect(wrong("server")).toMatchObject([{ state: "fail", problem: "it has expired" }])
    expect(wrong("reader process")).toMatchObject([{ state: "fail", certificate: "" }])
    expect(wrong("ca")).toMatchObject([{ state: "ok" }])
    const soon = listCertificates(config, new Date(now.getTime() + 300 * dayMs))
    expect(soon.find(({ holder }) => holder === "server")).toMatchObject({ state: "warn" })
  })
})
