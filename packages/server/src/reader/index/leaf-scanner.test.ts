import { encodeUtf8 } from "@postern/log/base"
import { tokensOf } from "@postern/log/query"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { leafOf } from "./index-log.test.support.ts"
import { finishHash, hashKeyOf, hashToken } from "./keyed-hash.ts"
import { LeafScanner } from "./leaf-scanner.ts"

const key = hashKeyOf(Uint8Array.from({ length: 16 }, (_, i) => i * 37 + 5))

function scan(event: string) {
  const seen = new Set<number>()
  const scanner = new LeafScanner(key, { add: (hash) => seen.add(finishHash(hash)) })
  const isRead = scanner.scan(leafOf(event, 5, 1))
  return { seen, scanner, isRead }
}

/** By the definition: every string of the decoded value, keys too, and every literal as it is written. */
function tokensByDefinition(value: unknown): string[] {
  if (typeof value === "string") return tokensOf(value)
  if (Array.isArray(value)) return value.flatMap(tokensByDefinition)
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([name, inner]) => [
      ...tokensOf(name),
      ...tokensByDefinition(inner),
    ])
  }
  return tokensOf(String(value))
}

/** JSON with escapes where none are needed: every letter of a string that the salt picks. */
function escapeOddly(json: string, salt: number): string {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, (string) => {
    return string.replace(/\\u....|\\.|[^"]/gsu, (letter, at: number) => {
      if (letter.startsWith("\\") || (at * 31 + salt) % 5 !== 0) return letter
      const units = Array.from({ length: letter.length }, (_, i) => letter.charCodeAt(i))
      return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")
    })
  })
}

describe("LeafScanner", () => {
  test("finds every token that the definition finds", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }),
      fc.stringMatching(/^[A-Za-z0-9_ /."\\-]{0,80}$/),
    )
    const event = fc.dictionary(text, fc.jsonValue({ stringUnit: "binary" }), { maxKeys: 5 })
    fc.assert(
      fc.property(event, fc.nat(9), (value, salt) => {
        const json = escapeOddly(JSON.stringify(value), salt)
        const decoded = JSON.parse(json)
        const { seen, isRead } = scan(json)
        expect(isRead).toBe(true)
        for (const token of tokensByDefinition(decoded)) {
          if (encodeUtf8(token).length > 1)
            expect(seen, `${token} in ${json}`).toContain(hashToken(key, token))
        }
      }),
      { numRuns: 600 },
    )
  })

  test.each([
    ['{"a":12}', false],
    ['{"a":-12}', false],
    ['{"a":1.5}', false],
    ['{"a":1.50}', true],
    ['{"a":1e3}', true],
    ['{"a":-0}', true],
    ['{"a":123456789012345}', false],
    ['{"a":1234567890123456}', true],
    ['{"a":[0.1,1E5]}', true],
    ['{"a":"1e3"}', false],
  ])("notices numbers that are written oddly: %s", (json, isOdd) => {
    expect(scan(json).scanner.oddNumber).toBe(isOdd)
  })

  test("ends on any bytes, in time that grows with them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const leaf = new Uint8Array([...leafOf("{", 1, 1), ...bytes])
        new LeafScanner(key, { add: () => undefined }).scan(leaf)
      }),
      { numRuns: 2000 },
    )
    expect(scan("[".repeat(60_000)).isRead).toBe(false)
    expect(scan(`{"a":${"[".repeat(60_000)}`).isRead).toBe(false)
  })

  test("does not search the stamp", () => {
    expect(scan('{"a":"bb"}').seen.size).toBe(1)
  })
})
