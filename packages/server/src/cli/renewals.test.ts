import { X509Certificate } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Config } from "../config/index.ts"
import { initDirectory } from "../guard/setup/index.ts"
import { Renewals } from "./renewals.ts"

const dayMs = 86_400_000
const made = new Date("2026-01-01T00:00:00Z")
let directory: string
let config: Config
let now: Date
let notes: string[]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-renewals-"))
  config = (await initDirectory({ directory: join(directory, "audit"), now: made })).config
  notes = []
})

afterEach(() => rmSync(directory, { recursive: true }))

const open = (names: ConstructorParameters<typeof Renewals>[1], of = config) =>
  new Renewals(of, names, { now: () => now, note: (text) => notes.push(text) })
const later = (days: number) => {
  now = new Date(made.getTime() + days * dayMs)
}
const begins = (file: string) => new X509Certificate(readFileSync(file, "utf8")).validFromDate
const isRenewed = (file: string) => begins(file) > new Date(made.getTime() + dayMs)

describe("the service", () => {
  test("renews what its processes show at half of its life, not before", async () => {
    const { certificate, reader, courier } = config.pki
    const renewals = open(["port", "reader"])
    later(182)
    await renewals.look()
    expect(isRenewed(certificate)).toBe(false)
    later(183)
    await renewals.look()
    expect([certificate, reader.certificate].map(isRenewed)).toEqual([true, true])
    expect(isRenewed(courier?.certificate ?? "")).toBe(false)
    expect(notes).toHaveLength(2)
    await renewals.look()
    expect(notes).toHaveLength(2)
  })

  test("starts again after its certificates have expired", async () => {
    later(500)
    await open(["port"]).look()
    expect(isRenewed(config.pki.certificate)).toBe(true)
  })

  test("warns once, when little is left and the CA's key is not here", async () => {
    const { caKey: _caKey, ...pki } = config.pki
    const renewals = open(["port"], { ...config, pki })
    later(200)
    await renewals.look()
    expect(notes).toEqual([])
    later(300)
    await renewals.look()
    await renewals.look()
    expect(notes).toEqual([expect.stringMatching(/server\.crt ends 2027-01-01.*not renewed here/)])
    expect(isRenewed(pki.certificate)).toBe(false)
  })

  test("renews nobody who was taken off the list", async () => {
    const text = readFileSync(config.access, "utf8")
    writeFileSync(config.access, text.replace("postern/reader", "postern/nobody"))
    later(200)
    await open(["port", "reader"]).look()
    expect(isRenewed(config.pki.reader.certificate)).toBe(false)
    expect(isRenewed(config.pki.certificate)).toBe(true)
    expect(notes.join()).toContain("is not renewed")
  })

  test("ends a renewal that was interrupted, or takes it back", async () => {
    const { certificate, key } = config.pki
    later(200)
    await open(["port"]).look()
    const renewed = readFileSync(certificate, "utf8")
    // The key had been replaced, the certificate not yet.
    const next = `${certificate}.new`
    const hourAgo = new Date(Date.now() - 3_600_000)
    const leave = (text: string) => {
      writeFileSync(next, text)
      utimesSync(next, hourAgo, hourAgo)
    }
    leave(renewed)
    later(400)
    await open(["port"]).look()
    expect(existsSync(next)).toBe(false)
    leave(renewed.slice(0, 100))
    writeFileSync(`${key}.new`, "half", { mode: 0o600 })
    later(700)
    await open(["port"]).look()
    expect([existsSync(next), existsSync(`${key}.new`)]).toEqual([false, false])
    const pair = new X509Certificate(readFileSync(certificate, "utf8"))
    expect(pair.validFromDate > new Date(made.getTime() + 690 * dayMs)).toBe(true)
    writeFileSync(next, renewed)
    later(1000)
    notes.length = 0
    await open(["port"]).look()
    expect(notes.join()).toContain("another change is under way")
  })

  test.runIf(process.getuid !== undefined && process.getuid() !== 0)(
    "says so when it may not read the CA's key",
    async () => {
      chmodSync(config.pki.caKey ?? "", 0o000)
      later(300)
      await open(["port"]).look()
      expect(notes.join()).toContain("not renewed here")
    },
  )

  test("renews nothing by itself under a new CA but its clients", async () => {
    const { beginRollOver } = await import("../guard/certificates/index.ts")
    later(200)
    await beginRollOver(config, now)
    await open(["port", "reader"]).look()
    expect(isRenewed(config.pki.certificate)).toBe(false)
    expect(isRenewed(config.pki.reader.certificate)).toBe(true)
    expect(notes.join()).toContain("the CA is being changed")
  })
})
