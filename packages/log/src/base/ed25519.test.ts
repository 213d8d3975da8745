import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { expect, test } from "vitest"
import { concatBytes, parseHex } from "./bytes.ts"
import { verifyEd25519 } from "./ed25519.ts"

function bytes(hex: string): Uint8Array {
  return parseHex(hex) as Uint8Array
}

// RFC 8032 §7.1, tests 1 to 3.
const vectors = [
  [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const

test.each(vectors)("RFC 8032 vector %#", async (key, message, signature) => {
  expect(await verifyEd25519(bytes(key), bytes(message), bytes(signature))).toBe(true)
  expect(await verifyEd25519(bytes(key), bytes(`${message}00`), bytes(signature))).toBe(false)
})

test("a wrong key or signature, also by its length, is false, not an error", async () => {
  const [key, message, signature] = vectors[2].map(bytes) as [Uint8Array, Uint8Array, Uint8Array]
  const zero = Uint8Array.of(0)
  const cases: [Uint8Array, Uint8Array][] = [
    [key.subarray(1), signature],
    [concatBytes(key, zero), signature],
    [key, signature.subarray(1)],
    [key, concatBytes(signature, zero)],
    [key, new Uint8Array(64)],
    [key, new Uint8Array(64).fill(0xff)],
    [new Uint8Array(32).fill(0xff), signature],
    [new Uint8Array(), new Uint8Array()],
  ]
  for (const [k, s] of cases) expect(await verifyEd25519(k, message, s)).toBe(false)
})

test("agrees with node:crypto, also on views of shared memory", async () => {
  const prefix = bytes("302e020100300506032b657004220420")
  const der = Buffer.from(concatBytes(prefix, new Uint8Array(32).fill(9)))
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  const spki = createPublicKey(secret).export({ format: "der", type: "spki" })
  const shared = new Uint8Array(new SharedArrayBuffer(1000)).fill(5)
  const signature = sign(null, shared.slice(), secret)
  expect(await verifyEd25519(spki.subarray(12), shared, signature)).toBe(true)
  shared[999] = 6
  expect(await verifyEd25519(spki.subarray(12), shared, signature)).toBe(false)
})
