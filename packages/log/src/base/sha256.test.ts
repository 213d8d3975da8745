import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import { encodeUtf8, formatHex } from "./bytes.ts"
import { sha256 as node, startSha256 as startNode } from "./sha256.node.ts"
import { sha256 as plain, startSha256 as startPlain } from "./sha256.ts"

describe.each([
  ["Node's", node],
  ["plain", plain],
])("%s SHA-256", (_, sha256) => {
  test.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("FIPS 180 examples (%#)", (text, digest) => {
    expect(formatHex(sha256(encodeUtf8(text)))).toBe(digest)
  })

  test("every length to 300, as views at odd offsets", () => {
    const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 167 + 13) % 256)
    for (let length = 0; length <= 300; length++) {
      const view = bytes.subarray(length % 7, (length % 7) + length)
      const wanted = createHash("sha256").update(view).digest("hex")
      expect(formatHex(sha256(view))).toBe(wanted)
    }
  })
})

describe.each([
  ["Node's", startNode],
  ["plain", startPlain],
])("%s running SHA-256", (_, start) => {
  test("gives the same however the bytes are cut", () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31 + 7) % 256)
    for (let part = 1; part <= 200; part += 7) {
      for (const length of [0, 55, 56, 64, 119, 120, 1000 - part]) {
        const running = start()
        for (let at = 0; at < length; at += part) {
          running.update(bytes.subarray(at, Math.min(at + part, length)))
        }
        const wanted = createHash("sha256").update(bytes.subarray(0, length)).digest("hex")
        expect(formatHex(running.digest())).toBe(wanted)
      }
    }
  })
})
