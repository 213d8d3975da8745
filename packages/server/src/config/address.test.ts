import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { formatHostPort, isHostName, parseHostPort } from "./index.ts"

describe("addresses", () => {
  test("what is formatted is parsed back", () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom("localhost", "audit.example", "a-b"),
    )
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        expect(parseHostPort(formatHostPort({ host: name, port }))).toEqual({ host: name, port })
      }),
    )
  })

  test("any text gives an address that formats to itself, or nothing", () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[[\]0-9a-f.:]{0,24}$/))
    fc.assert(
      fc.property(text, (input) => {
        const address = parseHostPort(input)
        if (address !== undefined) expect(formatHostPort(address)).toBe(input)
      }),
    )
  })

  test.each(["", ".", "a..b", "-a", "a-", "a_b", "1.2.3", "1.2.3.4.5", "a".repeat(64), "a b", "*"])(
    "%j is no host name",
    (text) => {
      expect(isHostName(text)).toBe(false)
    },
  )
})
