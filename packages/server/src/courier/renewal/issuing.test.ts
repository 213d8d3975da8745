import { hash, X509Certificate } from "node:crypto"
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseProfile } from "@postern/client"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Config } from "../../config/index.ts"
import { createAuthority, issueCertificate, type KeyPair } from "../../guard/pki/index.ts"
import { initDirectory } from "../../guard/setup/index.ts"
import type { Handler } from "../../postbox/index.ts"
import { formatAskedRenewal, RequestPace } from "../../renewal/index.ts"
import { newRequest } from "../../renewal/requests.test.support.ts"
import { renewalHandler } from "./index.ts"

const made = new Date("2026-01-01T00:00:00Z")
const dayMs = 86_400_000
const writer = "spiffe://postern.local/writer/app"
let directory: string
let config: Config
let handler: Handler
let now: number
let told: string[]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "postern-issuing-"))
  config = (await initDirectory({ directory: join(directory, "audit"), now: made })).config
  now = made.getTime() + 200 * dayMs
  told = []
  handler = renewalHandler(config, {
    now: () => now,
    tell: (level, message) => told.push(`${level}: ${message}`),
  })
})
afterEach(() => rmSync(directory, { recursive: true }))

const authority = (): KeyPair => ({
  certificate: readFileSync(config.pki.ca, "utf8"),
  key: readFileSync(config.pki.caKey ?? "", "utf8"),
})
const ofProfile = (name: string): string =>
  parseProfile(readFileSync(join(directory, `audit/profiles/${name}.yaml`), "utf8")).certificate
const issue = async (id: string, by = authority()): Promise<string> =>
  (await issueCertificate({ authority: by, id, usage: "client", now: made })).certificate

async function ask(certificate: string, asker = "port", request?: Uint8Array): Promise<string> {
  const body = formatAskedRenewal({
    request: request ?? newRequest(),
    certificate: new X509Certificate(certificate).raw,
  })
  return ((await handler(body, asker)) as { certificate: string }).certificate
}

const keyOf = (certificate: X509Certificate): string =>
  hash("sha256", certificate.publicKey.export({ type: "spki", format: "der" }), "hex")

describe("the courier issues", () => {
  test("what says what the old one said, for as long, under our CA", async () => {
    const old = new X509Certificate(ofProfile("writer"))
    const certificate = new X509Certificate(await ask(ofProfile("writer")))
    expect(certificate.subjectAltName).toBe(`URI:${writer}`)
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"])
    const lifeOf = (of: X509Certificate) => of.validToDate.getTime() - of.validFromDate.getTime()
    expect(lifeOf(certificate)).toBe(lifeOf(old))
    expect(certificate.verify(new X509Certificate(authority().certificate).publicKey)).toBe(true)
    const [first] = told
    expect(first).toBe("info: a certificate was issued")
  })

  test("for writers what the port asks, for readers what the reader asks, and nothing across", async () => {
    await ask(ofProfile("reader"), "reader")
    for (const [name, asker] of [
      ["writer", "reader"],
      ["reader", "port"],
      ["operator", "port"],
      ["writer", "courier"],
      ["writer", "toString"],
    ] as const) {
      const across = ask(ofProfile(name), asker)
      await expect(across, `${name} ${asker}`).rejects.toMatchObject({ code: "NOT_GRANTED" })
    }
  })

  test("nothing for somebody who is not, or no longer, in the list", async () => {
    const nobody = ask(await issue(`${writer}2`))
    await expect(nobody).rejects.toMatchObject({ code: "NOT_GRANTED" })
    const text = readFileSync(config.access, "utf8")
    const ended = text.replace(`- id: ${writer}\n`, `- id: ${writer}\n    expires: 2026-02-01\n`)
    expect(ended).not.toBe(text)
    writeFileSync(config.access, ended)
    await expect(ask(ofProfile("writer"))).rejects.toMatchObject({ code: "NOT_GRANTED" })
  })

  test("nothing for access in an emergency, though it is open", async () => {
    const reader = "spiffe://postern.local/reader/auditor"
    const expires = `"${new Date(now + 1_800_000).toISOString().replace(".000Z", "Z")}"`
    const text = readFileSync(config.access, "utf8")
    const sealed = `- id: ${reader}\n    breakGlass: true\n    expires: ${expires}\n`
    writeFileSync(config.access, text.replace(`- id: ${reader}\n`, sealed))
    const refused = ask(ofProfile("reader"), "reader")
    await expect(refused).rejects.toMatchObject({ code: "RENEWAL_REFUSED" })
  })

  test("nothing where the old certificate, its key or the new key was revoked", async () => {
    const text = readFileSync(config.access, "utf8")
    const old = new X509Certificate(ofProfile("writer"))
    const request = newRequest()
    const first = new X509Certificate(await ask(ofProfile("writer"), "port", request))
    const serial = old.serialNumber.toLowerCase().replace(/^0+/, "")
    for (const line of [`serial: "${serial}"`, `key: ${keyOf(old)}`, `key: ${keyOf(first)}`]) {
      writeFileSync(config.access, text)
      appendFileSync(config.access, `revoked:\n  - ${line}\n`)
      const revoked = ask(ofProfile("writer"), "port", request)
      await expect(revoked, line).rejects.toMatchObject({ code: "CERTIFICATE_REVOKED" })
    }
  })

  test("nothing for what another CA issued, though it has the same name", async () => {
    const other = await createAuthority({ trustDomain: "postern.local", now: made })
    await expect(ask(await issue(writer, other))).rejects.toMatchObject({
      code: "RENEWAL_REFUSED",
      detail: "our CA did not issue the old one: it is renewed where it comes from",
    })
  })

  test("nothing too early, too late, or too often", async () => {
    now = made.getTime() + 100 * dayMs
    await expect(ask(ofProfile("writer"))).rejects.toMatchObject({ code: "RENEWAL_EARLY" })
    now = made.getTime() + 400 * dayMs
    await expect(ask(ofProfile("writer"))).rejects.toMatchObject({ code: "CERTIFICATE_REFUSED" })
    now = made.getTime() + 200 * dayMs
    for (let times = 0; times < RequestPace.requestsMax; times++) await ask(ofProfile("writer"))
    await expect(ask(ofProfile("writer"))).rejects.toMatchObject({ code: "RATE_LIMITED" })
    await ask(ofProfile("reader"), "reader") // Somebody else may.
  })

  test("nothing for a request that is none, and nothing for one that is read wrongly", async () => {
    const garbage = ask(ofProfile("writer"), "port", Buffer.from("not DER"))
    await expect(garbage).rejects.toMatchObject({ code: "RENEWAL_REFUSED" })
    await expect(handler({ request: 1 }, "port")).rejects.toMatchObject({ code: "REQUEST_INVALID" })
    const noise = Buffer.from("x").toString("base64")
    const none = handler({ request: noise, certificate: noise }, "port")
    await expect(none).rejects.toMatchObject({ code: "RENEWAL_REFUSED" })
  })

  test("nothing without the CA's key, and tells who asks nothing of where it lies", async () => {
    rmSync(config.pki.caKey ?? "")
    const refused = ask(ofProfile("writer"))
    const detail = "no certificate can be issued now"
    await expect(refused).rejects.toMatchObject({ code: "UNANSWERED", detail })
    expect(told).toEqual(["error: no certificate can be issued"])
  })
})
