import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { encodeUtf8, formatBase64Url, sha256 } from "../base/index.ts"
import { digestsOf, discloseEvent } from "./digest-places.ts"
import {
  disclosureDigest,
  encodeDisclosure,
  parseDisclosure,
  parseDisclosureText,
} from "./disclosure.ts"

const salt = "_26bc4LT-ac6q2KI6cBW5es"
const make = (name: string, value: unknown, from = salt): Uint8Array =>
  encodeDisclosure(from, name, encodeUtf8(JSON.stringify(value)))

describe("a disclosure", () => {
  test("has the digest that RFC 9901 §4.2.3 gives for its own text", () => {
    const text = "WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    const json = parseDisclosureText(text)
    expect(json && disclosureDigest(json)).toBe("uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY")
  })

  test("has that digest at every length", () => {
    for (let length = 0; length < 70; length++) {
      const json = Uint8Array.from({ length }, (_, i) => (i * 89 + length) & 0xff)
      const text = encodeUtf8(formatBase64Url(json))
      expect(disclosureDigest(json)).toBe(formatBase64Url(sha256(text)))
    }
  })

  test("goes back into the event that names it, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json = make("data", value)
        const event = { id: "1", _sd: [disclosureDigest(json)] }
        const round = parseDisclosureText(formatBase64Url(json)) as Uint8Array
        expect(discloseEvent(event, [round])).toEqual({
          id: "1",
          data: JSON.parse(JSON.stringify(value)),
        })
      }),
    )
  })

  test("leaves in the event the digests of what is withheld", () => {
    const [a, b] = [make("data", 1), make("labels", 2)]
    const event = { _sd: [disclosureDigest(a), disclosureDigest(b)] }
    expect(discloseEvent(event, [b])).toEqual({ labels: 2, _sd: [disclosureDigest(a)] })
  })

  const invalid = expect.objectContaining({ code: "DISCLOSURE_INVALID" })

  test.each<[string, (json: Uint8Array) => void]>([
    ["not named by the event", (json) => void discloseEvent({ _sd: [] }, [json])],
    ["twice", (json) => void discloseEvent({ _sd: [disclosureDigest(json)] }, [json, json])],
    [
      "with the name of a member",
      (json) => void discloseEvent({ data: 1, _sd: [disclosureDigest(json)] }, [json]),
    ],
    [
      "of an event whose _sd is no array",
      (json) => void discloseEvent({ _sd: disclosureDigest(json) }, [json]),
    ],
  ])("is refused %s", (_name, attempt) => {
    expect(() => attempt(make("data", { a: 1 }))).toThrow(invalid)
  })

  test.each([
    '["_26bc4LT-ac6q2KI6cBW5es"]',
    '["_26bc4LT-ac6q2KI6cBW5es","data",1,2]',
    '["short","data",1]',
    '[1,"data",1]',
    '["_26bc4LT-ac6q2KI6cBW5es","_sd",[]]',
    '["_26bc4LT-ac6q2KI6cBW5es","...",[]]',
    '["_26bc4LT-ac6q2KI6cBW5es",7,[]]',
    '{"0":"_26bc4LT-ac6q2KI6cBW5es"}',
    "[",
    "",
    "null",
  ])("is refused as %s", (json) => {
    expect(() => parseDisclosure(encodeUtf8(json))).toThrow(invalid)
  })

  test("is refused if it is not UTF-8, and its text if it is not base64url", () => {
    expect(() => parseDisclosure(Uint8Array.of(0x5b, 0xff))).toThrow(invalid)
    for (const text of ["WyI=", "Wy+/", "WyJ", "W", " WyI"]) {
      expect(parseDisclosureText(text)).toBeUndefined()
    }
  })

  test("called __proto__ is a member, not a prototype", () => {
    const json = make("__proto__", { evil: true })
    const open = discloseEvent({ _sd: [disclosureDigest(json)] }, [json])
    expect(Object.keys(open)).toEqual(["__proto__"])
    expect((open as { evil?: boolean }).evil).toBeUndefined()
  })
})

test("digests are read out of an event only where they look like digests", () => {
  const digest = disclosureDigest(make("data", 1))
  expect(digestsOf({ _sd: [digest, 7, "short", null] })).toEqual([digest])
  expect(digestsOf(JSON.parse('{"__proto__":{"_sd":[]}}'))).toEqual([])
  expect(digestsOf({})).toEqual([])
})
