import { encodeUtf8 } from "@postern/log/base"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isStrictObject } from "./index.ts"
import { parseObject } from "./record.ts"
import { samples } from "./samples.test.support.ts"

const nested = (levels: number, inner = "1") =>
  `{"a":${"[".repeat(levels - 1)}${inner}${"]".repeat(levels - 1)}}`

describe("a record is one strict object", () => {
  test.each([
    ...["{}", " {\t}\r\n", '{"a":1}', '{"a":{},"a":[]}', '{"a":[{"b":[]},[],{}],"c":"}"}'],
    ...['{"a":-0.5e+7,"b":10E2,"c":0}', '{"a":true,"b":false,"c":null}', '{"":""}'],
    ...['{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\\ud800"}', '{"\u2028é":"🜁"}', nested(30)],
  ])("%s", (text) => {
    expect(isStrictObject(encodeUtf8(text))).toBe(true)
    expect(parseObject(text)).toBeDefined()
  })

  test.each([
    ...["", " ", "1", "[]", "null", '"{}"', "{", "}", "{}}", "{} {}", "{},", "{]", '{"a":[1}]'],
    ...["{,}", "{1:2}", "{a:1}", '{"a"}', '{"a":}', '{"a" 1}', '{"a":1,}', '{"a":1 "b":2}'],
    ...['{"a":[1,]}', '{"a":[,1]}', '{"a":[1 2]}', '{"a":[}', '{"a":1', '{"a":"b', '{"a":"b\\'],
    ...['{"a":01}', '{"a":-}', '{"a":1.}', '{"a":.5}', '{"a":1e}', '{"a":+1}', '{"a":1e+}'],
    ...['{"a":tru}', '{"a":truex}', '{"a":NaN}', "{\"a\":'b'}", '{"a":"\\x"}', '{"a":"\\u12g4"}'],
    ...['{"a":"\t"}', '{"a":"\u0000"}', "\ufeff{}", "{}\u00a0", nested(31), nested(33)],
  ])("%s is not", (text) => {
    expect(isStrictObject(encodeUtf8(text))).toBe(false)
    expect(parseObject(text)).toBeUndefined()
  })

  test("only if it is UTF-8", () => {
    expect(isStrictObject(Buffer.from('{"a":"\xe9"}', "latin1"))).toBe(false)
  })
})

const texts = Object.values(samples).flat()

test("whatever a record is, it says what reading it says", () => {
  const some = fc.constantFrom(...'{}[]":,\\u0e-. \nt')
  const at = fc.double({ min: 0, max: 1, noNaN: true })
  const record = fc.oneof(
    fc.json().map((json) => `{"a":${json}}`),
    fc.constantFrom(...texts),
  )
  const property = fc.property(record, at, some, fc.boolean(), (text, where, letter, isOver) => {
    const cut = Math.floor(where * text.length)
    const changed = text.slice(0, cut) + letter + text.slice(cut + (isOver ? 1 : 0))
    for (const one of [text, changed]) {
      const isText = Buffer.from(one).toString() === one
      if (isText) expect(isStrictObject(encodeUtf8(one))).toBe(parseObject(one) !== undefined)
    }
  })
  fc.assert(property, { numRuns: 2_000 })
})
