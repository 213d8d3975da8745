import { execFileSync } from "node:child_process"
import { createPrivateKey, createPublicKey } from "node:crypto"
import { expect, test } from "vitest"
import { x509 } from "./authority.test.support.ts"
import { createPair } from "./index.ts"

/** Many, since lengths in DER depend on the numbers. */
const pairs = await Promise.all(Array.from({ length: 40 }, () => createPair()))

test("openssl verifies the request, and finds the key in it that was made", () => {
  for (const { key, request } of pairs.slice(0, 8)) {
    const args = ["req", "-inform", "DER", "-verify", "-noout", "-pubkey"]
    const shown = execFileSync("openssl", args, {
      input: request,
      stdio: ["pipe", "pipe", "ignore"],
    })
    const own = createPublicKey(key).export({ type: "spki", format: "pem" })
    expect(shown.toString()).toBe(own)
  }
})

test("@peculiar/x509 verifies it, and reads no name in it", async () => {
  for (const { request } of pairs) {
    const read = new x509.Pkcs10CertificateRequest(request)
    expect(await read.verify()).toBe(true)
    expect([read.subject, read.attributes, read.extensions]).toEqual(["", [], []])
  }
})

test("each key is new, P-256, and in PKCS#8", () => {
  expect(new Set(pairs.map(({ key }) => key)).size).toBe(pairs.length)
  for (const { key } of pairs) {
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
    expect(createPrivateKey(key).asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" })
  }
})
