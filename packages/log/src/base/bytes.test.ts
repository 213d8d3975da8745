import { expect, test } from "vitest"
import { formatBase64, formatBase64Url, parseBase64, parseBase64Url } from "./bytes.ts"

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 167) & 0xff)

test("bytes of every small length, and megabytes of them, come back out of base64", () => {
  for (const length of [...Array(50).keys(), 8_388_608]) {
    const bytes = bytesOf(length)
    expect(Buffer.from(bytes).equals(parseBase64(formatBase64(bytes)) ?? new Uint8Array(1))).toBe(
      true,
    )
    expect(
      Buffer.from(bytes).equals(parseBase64Url(formatBase64Url(bytes)) ?? new Uint8Array(1)),
    ).toBe(true)
  }
})

test.each([
  "A",
  "AA",
  "AAA",
  "A===",
  "AA=A",
  "=AAA",
  "AB==",
  "AAB=",
  "AA==\n",
  " AAA",
  "AA-_",
  "====",
])("%j is no base64", (text) => expect(parseBase64(text)).toBeUndefined())

test.each(["A", "AAAAA", "AB", "AAB", "AA==", "AA+/", "AA\n"])("%j is no base64url", (text) =>
  expect(parseBase64Url(text)).toBeUndefined(),
)
