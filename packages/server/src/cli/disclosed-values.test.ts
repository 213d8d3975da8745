import { expect, test } from "vitest"
import { DisclosedValues, describeValues } from "./disclosed-values.ts"

const about = { name: "data", within: "", left: 0 }
const counts = {
  ...{ leaves: 30, context: 0, hashes: 0, writerSigned: 0, portAsserted: 0, unknown: 30 },
  ...{ disclosed: 0, withheld: 0, withholding: 0 },
}

test("values are kept up to 64 MiB, those that still fit after larger ones included", () => {
  const values = new DisclosedValues()
  const large = "x".repeat(8 * 1024 * 1024)
  for (let index = 0; index < 9; index++) values.take({ ...about, index, json: large })
  values.take({ ...about, index: 9, json: "1" })
  expect(values.kept.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 9])
})

test("the first twenty are described, on a line each, whatever is in them", () => {
  const kept = Array.from({ length: 25 }, (_, index) => {
    const within = index === 1 ? "/data" : ""
    return { index, name: "a\nb", within, left: 0, json: `"${"\u202e".repeat(300)}"` }
  })
  const lines = describeValues({ ...counts, disclosed: 25, withheld: 3, withholding: 2 }, kept)
  expect(lines).toHaveLength(22)
  expect(lines[0]).toBe("disclosed    25 values whose digest the entries hold")
  expect(lines[1]).toMatch(/^value {8}entry 0, a\\u\{a\}b: "(\\u\{202e\}){199}… \(302 characters, /)
  expect(lines[2]).toMatch(/^value {8}entry 1, \/data\/a/)
  expect(lines.at(-1)).toBe("withheld     3 values of 2 entries were not handed out")
  expect(describeValues(counts, [])).toEqual([])
})
