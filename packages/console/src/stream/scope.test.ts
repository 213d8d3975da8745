import { expect, test } from "vitest"
import { canBeLive, readMoment, readQuestion, scopeOf } from "./scope.ts"

const now = Date.UTC(2026, 10, 22, 12)
const read = (text: string) => readQuestion(new URLSearchParams(text))

test("a preset is reckoned from now, to the second", () => {
  expect(scopeOf(read("q=a&range=1h"), now + 999)).toEqual({
    q: "a",
    since: "2026-11-22T11:00:00.000000Z",
    until: undefined,
  })
  expect(scopeOf(read("range=all"), now)).toEqual({ since: undefined, until: undefined })
})

test("without anything it is the last day; times win over a preset", () => {
  expect(read("").range).toBe("24h")
  expect(read("range=constructor").range).toBe("24h")
  const fixed = read("range=1h&since=2026-11-22T11:00:00Z")
  expect([fixed.range, fixed.since]).toEqual([undefined, "2026-11-22T11:00:00Z"])
  expect(read("since=yesterday").range).toBe("24h")
})

test("only the newest first without an end has something new at its top", () => {
  expect(canBeLive(read("range=1h"))).toBe(true)
  expect(canBeLive(read("order=asc"))).toBe(false)
  expect(canBeLive(read("until=2026-11-22T11:00:00Z"))).toBe(false)
})

test.each([
  ["2026-11-22 13:05:09", "2026-11-22T13:05:09.000000Z"],
  ["2026-11-22T13:05:09.123456Z", "2026-11-22T13:05:09.123456Z"],
  ["2026-11-22 13:05", "2026-11-22T13:05:00.000000Z"],
  ["2026-11-22", "2026-11-22T00:00:00.000000Z"],
  ["2026-02-30", undefined],
  ["yesterday", undefined],
  ["", undefined],
])("the moment %j in UTC is %j", (text, moment) => {
  expect(readMoment(text, "utc")).toBe(moment)
})

test("a local moment is the same instant as the browser's", () => {
  const moment = readMoment("2026-11-22 13:05:09.5", "local") ?? ""
  expect(Date.parse(moment)).toBe(new Date("2026-11-22T13:05:09.5").getTime())
})
