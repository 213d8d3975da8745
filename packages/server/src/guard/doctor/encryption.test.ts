import { expect, test } from "vitest"
import { judgeEncryption } from "./encryption.ts"

const segments = [
  { first: 0, kid: undefined },
  { first: 100, kid: "0a0a0a0a" },
  { first: 200, kid: "0b0b0b0b" },
]

test("a log without encryption is not asked about", () => {
  expect(judgeEncryption(false, [{ first: 0, kid: undefined }], [])).toEqual([])
})

test("what stays in clear is said, whether encryption is on or off now", () => {
  const on = judgeEncryption(true, segments, [])
  expect(on.map(({ id, result }) => `${id} ${result}`)).toEqual([
    "encryption.segments ok",
    "encryption.keys ok",
  ])
  expect(on[0]?.evidence).toBe("2 segments are encrypted, 1 were compressed in clear and stay so")
  expect(judgeEncryption(false, segments, [])[0]?.evidence).toContain(
    "in clear and stay so; encryption is off",
  )
  expect(judgeEncryption(true, [], [])[0]?.evidence).toBe("0 segments are encrypted")
})

test("a key that is missing fails, and names what it opens", () => {
  const [, keys] = judgeEncryption(true, segments, ["0b0b0b0b"])
  expect(keys).toMatchObject({ id: "encryption.keys", result: "fail", severity: "high" })
  expect(keys?.evidence).toBe(
    "1 segments, the first with entry 200, open to nobody: segments-0b0b0b0b.key is not here",
  )
})
