import {
  chmodSync,
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
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { loadProfile } from "../profile.ts"
import { fileHolder } from "./index.ts"

const pem = (label: string, body: string) =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`
const indented = (text: string) => text.trimEnd().replaceAll(/^/gm, "  ")
const old = { certificate: pem("CERTIFICATE", "b2xk"), key: pem("PRIVATE KEY", "b2xk") }
const next = { certificate: pem("CERTIFICATE", "bmV3\nbmV3"), key: pem("PRIVATE KEY", "bmV3") }

/** As somebody may have written it by hand. */
const textOf = ({ certificate, key }: typeof old) => `# of the billing team
postern: profile@v1
role: writer
id: spiffe://postern.test/writer/app

server: spiffe://postern.test/server
address: "127.0.0.1:17514"
source: app://billing
spool: spool
key: |
${indented(key)}
log:
  origin: postern.test/log
  # pinned by hand
  vkey: "postern.test/log+1+AQ=="
certificate: |
${indented(certificate)}
ca: |
${indented(pem("CERTIFICATE", "Y2E="))}
# the end
`

let directory: string
let file: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-holder-"))
  file = join(directory, "writer.yaml")
  writeFileSync(file, textOf(old), { mode: 0o600 })
})
afterEach(() => rmSync(directory, { recursive: true }))

describe("a profile in a file", () => {
  test("gets another pair, and every other byte stays, also the mode", async () => {
    chmodSync(file, 0o400)
    const holder = fileHolder(file)
    await holder.demandRoom()
    await holder.keep(next)
    expect(readFileSync(file, "utf8")).toBe(textOf(next))
    expect(statSync(file).mode & 0o777).toBe(0o400)
    expect(readdirSync(directory)).toEqual(["writer.yaml"])
    expect(holder.read()).toEqual(loadProfile(file))
    expect(holder.read()).toMatchObject(next)
  })

  test("is replaced where a link leads, and whoever else is told is told after that", async () => {
    const link = join(directory, "current.yaml")
    symlinkSync("writer.yaml", link)
    let seen = ""
    const holder = fileHolder(link, () => {
      seen = readFileSync(file, "utf8")
    })
    await holder.keep(next)
    expect(seen).toBe(textOf(next))
    expect(readFileSync(link, "utf8")).toBe(textOf(next))
  })

  test("whose pair is written in one line is written as blocks", async () => {
    const line = `certificate: ${JSON.stringify(old.certificate.trimEnd())}`
    const text = textOf(old).replace(`certificate: |\n${indented(old.certificate)}`, line)
    expect(text).toContain(line)
    writeFileSync(file, text)
    await fileHolder(file).keep(next)
    expect(readFileSync(file, "utf8")).toBe(textOf(next))
  })

  test("that became another identity's meanwhile is left alone", async () => {
    const holder = fileHolder(file)
    const other = textOf(old).replace("writer/app", "writer/other")
    writeFileSync(file, other)
    await expect(holder.keep(next)).rejects.toMatchObject({ code: "PROFILE_INVALID" })
    expect(readFileSync(file, "utf8")).toBe(other)
    expect(readdirSync(directory)).toEqual(["writer.yaml"])
  })

  test("is the one of before while it cannot be read, and read again afterwards", async () => {
    const holder = fileHolder(file)
    const before = holder.read()
    writeFileSync(file, "half")
    expect(holder.read()).toEqual(before)
    writeFileSync(file, textOf(next))
    expect(holder.read()).toMatchObject(next)
  })

  test("must be there in the beginning", () => {
    expect(() => fileHolder(join(directory, "none.yaml"))).toThrow(
      expect.objectContaining({ code: "PROFILE_INVALID" }),
    )
  })
})
