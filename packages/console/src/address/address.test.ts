import { expect, test } from "vitest"
import { formatAddress, parseAddress } from "./address.ts"

test("an address is read as it is written", () => {
  const q = 'outcome:denied AND "a & b" #?/'
  const hash = formatAddress("stream", { q, range: "7d", entry: undefined, until: "" })
  const { page, rest, parameters } = parseAddress(hash)
  expect([page, rest, parameters.get("q"), parameters.get("range")]).toEqual([
    "stream",
    "",
    q,
    "7d",
  ])
  expect(parameters.size).toBe(2)
})

test.each([
  ["", "stream", ""],
  ["#", "stream", ""],
  ["#/entry/42", "entry", "42"],
  ["#/evidence?x=1", "evidence", ""],
  ["#/no-such-page/7", "stream", "7"],
  ["#once=abc", "stream", ""],
])("%s is %s", (hash, page, rest) => {
  expect(parseAddress(hash)).toMatchObject({ page, rest })
})
