import "./reflection.ts"
import { createPrivateKey, type webcrypto, X509Certificate } from "node:crypto"
import * as x509 from "@peculiar/x509"
import { PosternError } from "@postern/log/base"
import { beforeAll, describe, expect, test } from "vitest"
import { spiffeIdOf } from "../../access/index.ts"
import { handshake } from "./handshake.test.support.ts"
import { createAuthority, issueCertificate, type KeyPair } from "./index.ts"

/**
 * Leaves that a careless or hostile CA could sign; every one of them is taken by TLS or could be.
 */
const now = new Date()
const good = "spiffe://postern.local/writer/app"
const admin = "spiffe://postern.local/operator/admin"
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const
const { clientAuth, serverAuth } = x509.ExtendedKeyUsage

interface Leaf {
  readonly names?: x509.JsonGeneralNames
  readonly usages?: readonly string[]
  readonly subject?: string
  readonly ca?: boolean
}

let keys: webcrypto.CryptoKeyPair
let issuerKeys: webcrypto.CryptoKeyPair
let authority: KeyPair
let server: KeyPair

beforeAll(async () => {
  keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  issuerKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  // A CA without name constraints, so that nothing is caught before our own check.
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=careless",
    keys: issuerKeys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  authority = { certificate: ca.toString("pem"), key: await pkcs8(issuerKeys) }
  server = await issueCertificate({ authority, id: "spiffe://x/server", usage: "server", now })
})

async function pkcs8(pair: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", pair.privateKey))
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  return key.export({ type: "pkcs8", format: "pem" }).toString()
}

async function sign(leaf: Leaf): Promise<string> {
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(leaf.ca ?? false, undefined, true),
  ]
  const usages = leaf.usages ?? [clientAuth]
  if (usages.length > 0) extensions.push(new x509.ExtendedKeyUsageExtension([...usages]))
  if (leaf.names !== undefined) {
    extensions.push(new x509.SubjectAlternativeNameExtension(leaf.names))
  }
  const certificate = await x509.X509CertificateGenerator.create({
    publicKey: keys.publicKey,
    subject: leaf.subject ?? "CN=app",
    issuer: "CN=careless",
    signingKey: issuerKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions,
  })
  return certificate.toString("pem")
}

const url = (value: string) => ({ type: "url" as const, value })

const hostile: readonly (readonly [string, Leaf, string])[] = [
  ["no name at all", {}, "0 URI names"],
  ["a subject that looks like an ID", { subject: `CN=${admin}` }, "0 URI names"],
  ["a subject that looks like a name list", { subject: `CN="a, URI:${admin}"` }, "0 URI names"],
  ["only a DNS name", { names: [{ type: "dns", value: "app" }] }, "0 URI names"],
  ["an ID as DNS name", { names: [{ type: "dns", value: admin }] }, "0 URI names"],
  ["an ID as e-mail name", { names: [{ type: "email", value: admin }] }, "0 URI names"],
  ["two URIs", { names: [url(good), url(admin)] }, "2 URI names"],
  ["the same URI twice", { names: [url(good), url(good)] }, "2 URI names"],
  ["a URI with a second one behind a comma", { names: [url(`${good}, URI:${admin}`)] }, "unusual"],
  [
    "a DNS name with a URI behind a comma",
    { names: [{ type: "dns", value: `x, URI:${admin}` }] },
    "unusual",
  ],
  [
    "a DNS name with a URI behind a comma, and a URI",
    { names: [{ type: "dns", value: `x, URI:${admin}` }, url(good)] },
    "unusual",
  ],
  ["a quote in the URI", { names: [url(`${good}"`)] }, "unusual"],
  ["a NUL in the URI", { names: [url(`${admin}\0.evil`)] }, "unusual"],
  ["a line feed in the URI", { names: [url(`${good}\n`)] }, "unusual"],
  [
    "a parent segment",
    { names: [url("spiffe://postern.local/svc/../operator/admin")] },
    "not a SPIFFE ID",
  ],
  ["a dot segment", { names: [url("spiffe://postern.local/./admin")] }, "not a SPIFFE ID"],
  [
    "user information",
    { names: [url("spiffe://postern.local@evil.example/writer/app")] },
    "not a SPIFFE ID",
  ],
  ["a port", { names: [url("spiffe://postern.local:443/writer/app")] }, "not a SPIFFE ID"],
  [
    "an upper-case trust domain",
    { names: [url("spiffe://POSTERN.local/writer/app")] },
    "not a SPIFFE ID",
  ],
  [
    "an upper-case scheme",
    { names: [url("SPIFFE://postern.local/writer/app")] },
    "not a SPIFFE ID",
  ],
  ["a percent sign", { names: [url("spiffe://postern.local/writer/%61pp")] }, "not a SPIFFE ID"],
  ["a query", { names: [url(`${good}?role=admin`)] }, "not a SPIFFE ID"],
  ["a fragment", { names: [url(`${good}#admin`)] }, "not a SPIFFE ID"],
  ["a slash at the end", { names: [url(`${good}/`)] }, "not a SPIFFE ID"],
  ["no path", { names: [url("spiffe://postern.local")] }, "not a SPIFFE ID"],
  ["another scheme", { names: [url("https://postern.local/writer/app")] }, "not a SPIFFE ID"],
  [
    "a very long path",
    { names: [url(`spiffe://postern.local/${"x".repeat(3000)}`)] },
    "not a SPIFFE ID",
  ],
  ["no extended key usage", { names: [url(good)], usages: [] }, "not made for clients"],
  ["the server's usage", { names: [url(good)], usages: [serverAuth] }, "not made for clients"],
  ["any usage", { names: [url(good)], usages: ["2.5.29.37.0"] }, "not made for clients"],
  ["a CA's right", { names: [url(good)], ca: true }, "CA certificate"],
]

describe("a client certificate", () => {
  test("that is in order gives its ID, whatever other names stand beside it", async () => {
    const names = [{ type: "dns" as const, value: "app.internal" }, url(good)]
    const certificate = await sign({ names, usages: [serverAuth, clientAuth] })
    expect(spiffeIdOf(new X509Certificate(certificate))).toBe(good)
  })

  test.each(hostile)("with %s is refused", async (_name, leaf, reason) => {
    const certificate = new X509Certificate(await sign(leaf))
    let error: unknown
    try {
      spiffeIdOf(certificate)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(PosternError)
    expect((error as PosternError).code).toBe("CERTIFICATE_REFUSED")
    expect((error as PosternError).detail).toContain(reason)
  })

  test("is refused by our check where TLS itself is content", async () => {
    const key = await pkcs8(keys)
    const passed: string[] = []
    for (const [name, leaf] of hostile) {
      if (leaf.ca || leaf.usages !== undefined) continue
      const client = { certificate: await sign(leaf), key }
      const seen = await handshake({ server, client, ca: authority.certificate })
      if (seen.authorizationError === null) passed.push(name)
      expect(() => spiffeIdOf(seen.peer)).toThrow(PosternError)
    }
    expect(passed).toEqual(
      expect.arrayContaining(["two URIs", "a NUL in the URI", "a parent segment"]),
    )
  })

  test("of another CA with the same name is refused by TLS", async () => {
    const other = await createAuthority({ trustDomain: "postern.local", now })
    const twin = await createAuthority({ trustDomain: "postern.local", now })
    const client = await issueCertificate({ authority: twin, id: good, usage: "client", now })
    const own = await issueCertificate({ authority: other, id: good, usage: "server", now })
    const seen = await handshake({ server: own, client, ca: other.certificate })
    expect(seen.authorizationError).not.toBeNull()
  })
})
