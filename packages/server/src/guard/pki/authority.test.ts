import { execFileSync, spawnSync } from "node:child_process"
import { createPrivateKey, X509Certificate } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { spiffeIdOf } from "../../access/index.ts"
import { handshake } from "./handshake.test.support.ts"
import { createAuthority, issueCertificate, type KeyPair } from "./index.ts"

const now = new Date()
const td = "postern.local"
const directory = mkdtempSync(join(tmpdir(), "postern-pki-"))
const openssl = spawnSync("openssl", ["version"]).status === 0
let authority: KeyPair
let server: KeyPair
let writer: KeyPair

beforeAll(async () => {
  authority = await createAuthority({ trustDomain: td, now })
  const names = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"] }
  const issue = (id: string, usage: "client" | "server", more = {}) =>
    issueCertificate({ authority, id: `spiffe://${td}/${id}`, usage, now, ...more })
  server = await issue("server", "server", names)
  writer = await issue("writer/app", "client")
})
afterAll(() => rmSync(directory, { recursive: true }))

function save(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

describe("certificates", () => {
  test("say what they are asked to say", () => {
    const leaf = new X509Certificate(writer.certificate)
    expect(leaf.subjectAltName).toBe(`URI:spiffe://${td}/writer/app`)
    expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"])
    expect(leaf.ca).toBe(false)
    expect(leaf.checkPrivateKey(createPrivateKey(writer.key))).toBe(true)
    expect(leaf.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
    expect(spiffeIdOf(leaf)).toBe(`spiffe://${td}/writer/app`)
    expect(leaf.validFromDate.getTime()).toBeLessThan(now.getTime())
    expect(leaf.validToDate.getTime() - now.getTime()).toBeGreaterThan(364 * 86_400_000)
    const front = new X509Certificate(server.certificate)
    expect(spiffeIdOf(front, "server")).toBe(`spiffe://${td}/server`)
    expect(front.checkHost("localhost")).toBe("localhost")
    expect(front.checkIP("127.0.0.1")).toBe("127.0.0.1")
    expect(front.checkIP("::1")).toBe("::1")
    expect(() => spiffeIdOf(front)).toThrow(/clientAuth/)
  })

  test("never outlive their CA and have serials of their own", async () => {
    const short = await createAuthority({ trustDomain: td, now, days: 2 })
    const id = `spiffe://${td}/a`
    const one = await issueCertificate({ authority: short, id, usage: "both", now, days: 90 })
    const two = await issueCertificate({ authority: short, id, usage: "both", now, days: 1 })
    const [ca, a, b] = [short, one, two].map((pair) => new X509Certificate(pair.certificate))
    expect(a?.validToDate).toEqual(ca?.validToDate)
    expect(a?.serialNumber).not.toBe(b?.serialNumber)
    expect(a?.keyUsage).toHaveLength(2)
  })

  test("come only from a whole, living CA", async () => {
    const other = await createAuthority({ trustDomain: td, now })
    const id = `spiffe://${td}/a`
    const issue = (pair: KeyPair, at = now) =>
      issueCertificate({ authority: pair, id, usage: "client", now: at })
    await expect(issue({ ...authority, key: other.key })).rejects.toThrow("does not belong")
    await expect(issue(writer)).rejects.toThrow("does not belong")
    await expect(issue({ ...authority, key: "nothing" })).rejects.toThrow("not PEM")
    await expect(issue({ ...authority, certificate: "" })).rejects.toThrow("not PEM")
    await expect(issue(authority, new Date("2046-01-01"))).rejects.toThrow("expired")
    for (const bad of ["", "a b", "Upper", "x/y", ".local", "a@b", "-"]) {
      await expect(createAuthority({ trustDomain: bad, now })).rejects.toThrow("trust domain")
    }
    const bad = { authority, id: "https://x", usage: "client", now } as const
    await expect(issueCertificate(bad)).rejects.toThrow("SPIFFE")
  })

  test("a real handshake takes both sides and refuses another trust domain", async () => {
    const foreign = await issueCertificate({
      authority,
      id: "spiffe://evil.example/writer/app",
      usage: "client",
      now,
    })
    const ca = authority.certificate
    const taken = await handshake({ server, client: writer, ca })
    expect(taken.authorizationError).toBeNull()
    expect(taken.protocol).toBe("TLSv1.3")
    expect(spiffeIdOf(taken.peer)).toBe(`spiffe://${td}/writer/app`)
    const refused = await handshake({ server, client: foreign, ca })
    expect(refused.authorizationError).not.toBeNull()
    const wrongWay = await handshake({ server, client: server, ca })
    expect(wrongWay.authorizationError).toBe("INVALID_PURPOSE")
  })

  test.runIf(openssl)("openssl verifies them and reads the same", async () => {
    const ca = save("ca.crt", authority.certificate)
    const leaf = save("leaf.crt", writer.certificate)
    const front = save("server.crt", server.certificate)
    const verify = (...args: string[]) =>
      spawnSync("openssl", ["verify", "-x509_strict", "-CAfile", ca, ...args]).status
    expect(verify("-purpose", "sslclient", leaf)).toBe(0)
    expect(verify("-purpose", "sslserver", "-verify_ip", "127.0.0.1", front)).toBe(0)
    expect(verify("-purpose", "sslserver", leaf)).not.toBe(0)
    expect(verify("-purpose", "sslclient", front)).not.toBe(0)
    const text = execFileSync("openssl", ["x509", "-noout", "-text", "-in", ca], {
      encoding: "utf8",
    })
    expect(text).toMatch(/Name Constraints: critical\s+Permitted:\s+URI:postern\.local/)
    expect(text).toContain("CA:TRUE, pathlen:0")
    expect(text).toContain("NIST CURVE: P-256")
  })
})
