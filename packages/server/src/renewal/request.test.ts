import { execFileSync } from "node:child_process"
import { createPublicKey, generateKeyPairSync, type KeyObject, webcrypto } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { parseCertificateRequest } from "./index.ts"

const directory = mkdtempSync(join(tmpdir(), "postern-request-"))
afterAll(() => rmSync(directory, { recursive: true }))

/** A request as openssl makes it, DER. */
function openssl(newkey: readonly string[], ...more: string[]): Buffer {
  const key = join(directory, "key.pem")
  const args = ["req", "-new", "-newkey", ...newkey, "-nodes", "-keyout", key, "-outform", "DER"]
  return execFileSync("openssl", [...args, "-subj", "/CN=somebody else", ...more], {
    stdio: ["ignore", "pipe", "ignore"],
  })
}

const p256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
const good = openssl(p256)
const refused = { code: "RENEWAL_REFUSED" }

function spki(key: KeyObject): string {
  return key.export({ type: "spki", format: "der" }).toString("hex")
}

describe("a certificate request", () => {
  test("of openssl is taken, and what it says of names is passed over", () => {
    const names = "subjectAltName=URI:spiffe://postern.local/operator/admin,DNS:example.org"
    for (const der of [good, openssl(p256, "-addext", names)]) {
      const request = parseCertificateRequest(der)
      const key = createPublicKey({ key: Buffer.from(request.spki), format: "der", type: "spki" })
      expect(spki(request.publicKey)).toBe(spki(key))
      expect(Object.keys(request)).toEqual(["publicKey", "spki"])
    }
  })

  test("of @peculiar/x509 is taken", async () => {
    await import("../guard/pki/index.ts") // What the library needs is loaded with it.
    const x509 = await import("@peculiar/x509")
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
    const made = await x509.Pkcs10CertificateRequestGenerator.create({
      ...{ name: "CN=x", keys, signingAlgorithm: algorithm },
    })
    const { publicKey } = parseCertificateRequest(new Uint8Array(made.rawData))
    const raw = Buffer.from(await webcrypto.subtle.exportKey("spki", keys.publicKey))
    expect(spki(publicKey)).toBe(raw.toString("hex"))
  })

  test.each([
    ["P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
    ["RSA", ["rsa:2048"]],
    ["Ed25519", ["ed25519"]],
    ["P-256 in explicit parameters", [...p256, "-pkeyopt", "ec_param_enc:explicit"]],
  ])("for a key of %s is refused", (_, newkey) => {
    expect(() => parseCertificateRequest(openssl(newkey))).toThrow(expect.objectContaining(refused))
  })

  test("that is signed with SHA-384 is refused", () => {
    const der = openssl(p256, "-sha384")
    expect(() => parseCertificateRequest(der)).toThrow("not signed by ECDSA with SHA-256")
  })

  test("for somebody else's key is refused: it did not sign it", () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    const own = Buffer.from(parseCertificateRequest(good).spki)
    const at = good.indexOf(own)
    const stolen = Buffer.from(good)
    publicKey.export({ type: "spki", format: "der" }).copy(stolen, at)
    expect(() => parseCertificateRequest(stolen)).toThrow("the key in it did not sign it")
  })

  test("with any byte changed, cut off, or added to is refused", () => {
    for (let at = 0; at < good.length; at++) {
      const changed = Buffer.from(good)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => parseCertificateRequest(changed), `byte ${at}`).toThrow(
        expect.objectContaining(refused),
      )
      const cut = good.subarray(0, at)
      expect(() => parseCertificateRequest(cut)).toThrow(expect.objectContaining(refused))
    }
    const longer = Buffer.concat([good, Buffer.alloc(1)])
    expect(() => parseCertificateRequest(longer)).toThrow(expect.objectContaining(refused))
    const huge = Buffer.concat([good, Buffer.alloc(4096)])
    expect(() => parseCertificateRequest(huge)).toThrow("longer than 4,096 bytes")
  })
})
