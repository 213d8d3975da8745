import fc from "fast-check"
import { expect, test } from "vitest"
import { parseStrictJson } from "./strict-json.ts"

test("what JSON.stringify writes is read as it was", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(parseStrictJson(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test.each([
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":2}',
  '{"b":{"a":1,"a":1}}',
  '[{"a":1,"b":2,"a":3}]',
  '{"a": 1}',
  '{ "a":1}',
  '{"a":1} ',
  "[1,\n2]",
  '\t"x"',
  "",
  "{",
  '{"a":1,}',
  "NaN",
  "01",
  "\ufeff1",
])("refuses %j", (text) => {
  expect(parseStrictJson(text)).toBeUndefined()
})

test.each(['{"a":{"a":1},"b":[{"a":1},"a","a"]}', '"a b\\" c"', '[" ","\\\\"]', "1.50e+3"])(
  "takes %j",
  (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text))
  },
)
