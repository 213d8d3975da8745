import { generateKeyPairSync, sign } from "node:crypto"
import { expect, test } from "vitest"
import { encodeUtf8, formatBase64 } from "../base/index.ts"
import { ed25519Writer, p256Writer } from "./evidence-log.test.support.ts"
import { streamStatementText, verifyStreamStatement } from "./index.ts"

const statement = {
  origin: "log.example/audit",
  stream: "a1".repeat(16),
  kind: "beat",
  next: 17,
  digest: new Uint8Array(32).fill(5),
} as const

test("the text of a statement is that of the specification", () => {
  expect(streamStatementText(statement)).toBe(
    `postern-stream/v1\nlog.example/audit\n${"a1".repeat(16)}\nbeat\n17\n${formatBase64(statement.digest)}\n`,
  )
})

test.each([
  ["Ed25519", ed25519Writer(3)],
  ["ECDSA P-256", p256Writer(3)],
])("%s: one statement, one key, one signature", async (_, keys) => {
  const signature = keys.sign(streamStatementText(statement))
  const { publicKey } = keys
  expect(await verifyStreamStatement(statement, publicKey, signature)).toBe(true)
  const others = [
    { ...statement, origin: "log.example/other" },
    { ...statement, stream: "a2".repeat(16) },
    { ...statement, kind: "close" as const },
    { ...statement, next: 18 },
    { ...statement, digest: new Uint8Array(32) },
  ]
  for (const other of others) {
    expect(await verifyStreamStatement(other, publicKey, signature)).toBe(false)
  }
  for (const key of [ed25519Writer(4).publicKey, p256Writer(4).publicKey, "", "AAAA", "?"]) {
    expect(await verifyStreamStatement(statement, key, signature)).toBe(false)
  }
  for (const wrong of ["", "AAAA", "?", signature.slice(4), `AAAA${signature.slice(4)}`]) {
    expect(await verifyStreamStatement(statement, publicKey, wrong)).toBe(false)
  }
})

test("what node:crypto signs with P-256 is right, in the form r and s only", async () => {
  const { privateKey, publicKey: key } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const publicKey = formatBase64(key.export({ type: "spki", format: "der" }))
  const message = encodeUtf8(streamStatementText(statement))
  const plain = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" })
  expect(await verifyStreamStatement(statement, publicKey, formatBase64(plain))).toBe(true)
  const der = sign("sha256", message, privateKey)
  expect(await verifyStreamStatement(statement, publicKey, formatBase64(der))).toBe(false)
})

test("a point that is not on the curve, or a key of another kind, signs nothing", async () => {
  const { publicKey } = p256Writer(3)
  const bytes = Buffer.from(publicKey, "base64")
  bytes[90] = (bytes[90] as number) ^ 1
  const signature = p256Writer(3).sign(streamStatementText(statement))
  expect(await verifyStreamStatement(statement, formatBase64(bytes), signature)).toBe(false)
  const { publicKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 1024 })
  const spki = formatBase64(rsa.export({ type: "spki", format: "der" }))
  expect(await verifyStreamStatement(statement, spki, signature)).toBe(false)
})
