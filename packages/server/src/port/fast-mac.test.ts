import { createHmac, randomBytes } from "node:crypto"
import fc from "fast-check"
import { expect, test } from "vitest"
import { openMac } from "./fast-mac.ts"

test("is HMAC-SHA-256 of the parts, whatever they are", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 64 })
  const parts = fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(key, parts, (secret, all) => {
      const mac = createHmac("sha256", secret)
      for (const [i, part] of all.entries()) {
        if (i > 0) mac.update("\0")
        mac.update(part)
      }
      expect(openMac(secret)(all)).toBe(mac.digest("base64url"))
    }),
  )
})

test("keeps nothing of one call for the next", () => {
  const mac = openMac(randomBytes(32))
  const text = [Buffer.from("a text of some length, longer than the next"), Buffer.alloc(0)]
  const first = mac(text)
  mac([Buffer.alloc(100, "x"), Buffer.from("x")])
  mac([Buffer.alloc(10_000, "x")])
  expect(mac(text)).toBe(first)
})

test.each([4_000, 4_031, 4_032, 4_033, 100_000])("is the same for %d bytes", (bytes) => {
  const text = randomBytes(bytes)
  const expected = createHmac("sha256", "key").update(text).digest("base64url")
  expect(openMac(Buffer.from("key"))([text])).toBe(expected)
})
