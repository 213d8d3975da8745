import { X509Certificate } from "node:crypto"
import { beforeAll, describe, expect, test } from "vitest"
import { createAuthority, issueCertificate, type KeyPair, renewCertificate } from "./index.ts"

const now = new Date("2026-06-01T12:00:00Z")
const dayMs = 86_400_000
const later = (days: number) => new Date(now.getTime() + days * dayMs)
let authority: KeyPair
let next: KeyPair
let server: KeyPair

beforeAll(async () => {
  authority = await createAuthority({ trustDomain: "postern.test", now })
  next = await createAuthority({ trustDomain: "postern.test", now })
  server = await issueCertificate({
    ...{ authority, id: "spiffe://postern.test/server", usage: "server", now, days: 10 },
    ...{ dnsNames: ["localhost", "a.test"], ipAddresses: ["127.0.0.1", "::1"] },
  })
})

describe("a renewed certificate", () => {
  test("says what the old one said, for as long, with another key", async () => {
    const made = await renewCertificate({ authority, old: server, now: later(5) })
    const [old, renewed] = [server, made].map((pair) => new X509Certificate(pair.certificate))
    expect(renewed?.subjectAltName).toBe(old?.subjectAltName)
    expect(renewed?.keyUsage).toEqual(old?.keyUsage)
    expect(renewed?.subject).toBe(old?.subject)
    expect(made.key).not.toBe(server.key)
    const ends = renewed?.validToDate.getTime() ?? 0
    expect(Math.abs(ends - later(15).getTime())).toBeLessThan(600_000)
  })

  test("keeps its life over many renewals", async () => {
    let pair = server
    for (let n = 0; n < 5; n++) pair = await renewCertificate({ authority, old: pair, now })
    const { validFromDate, validToDate } = new X509Certificate(pair.certificate)
    expect(validToDate.getTime() - validFromDate.getTime()).toBe(10 * dayMs + 300_000)
  })

  test("follows one that has expired", async () => {
    const made = await renewCertificate({ authority, old: server, now: later(100) })
    expect(new X509Certificate(made.certificate).validToDate > later(109)).toBe(true)
  })

  test("comes from the CA whose key is there, while another is trusted as well", async () => {
    const certificate = authority.certificate + next.certificate
    const both = { certificate, key: next.key }
    const made = await renewCertificate({ authority: both, old: server, now })
    const issued = new X509Certificate(made.certificate)
    expect(issued.verify(new X509Certificate(next.certificate).publicKey)).toBe(true)
  })
})

describe("is not given", () => {
  const cases: [string, () => Promise<Parameters<typeof renewCertificate>[0]>, RegExp][] = [
    [
      "to whoever holds another key",
      async () => ({ authority, old: { ...server, key: next.key }, now }),
      /does not belong/,
    ],
    [
      "for one of an unknown CA",
      async () => ({ authority: next, old: server, now }),
      /our CA did not/,
    ],
    ["for a CA", async () => ({ authority, old: authority, now }), /URI names|CA certificate/],
    ["for noise", async () => ({ authority, old: { ...server, certificate: "x" }, now }), /PEM/],
  ]
  test.each(cases)("%s", async (_name, options, detail) => {
    await expect(renewCertificate(await options())).rejects.toThrow(detail)
    await expect(renewCertificate(await options())).rejects.toMatchObject({
      code: "CERTIFICATE_REFUSED",
    })
  })
})
