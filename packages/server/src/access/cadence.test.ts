import { describe, expect, test } from "vitest"
import { parseAccess } from "./access-list.ts"
import { expectedWriters, parseCadence } from "./cadence.ts"

const day = 86_400_000

describe("a cadence", () => {
  test.each([
    ["10s", 10_000],
    ["10m", 600_000],
    ["1h", 3_600_000],
    ["31d", 31 * day],
    ["9s", undefined],
    ["32d", undefined],
    ["0m", undefined],
    ["010m", undefined],
    ["10", undefined],
    ["10 m", undefined],
    ["10M", undefined],
    ["-1h", undefined],
    ["1e3s", undefined],
    ["", undefined],
  ])("%s is %s", (text, ms) => expect(parseCadence(text)).toBe(ms))

  const listOf = (cadence: string, role = "writer") => `
identities:
  - id: spiffe://a.test/writer/app
    role: ${role}
    cadence: ${cadence}
    expires: 2026-12-01
    grant: ${role === "writer" ? '{ adapters: [http], sources: ["*"], actions: ["*"] }' : "{ see: auditor }"}
`

  test("of a writer says that it is expected, until its grant ends", () => {
    const { identities } = parseAccess(listOf("10m"))
    const app = { id: "spiffe://a.test/writer/app", cadence: "10m", cadenceMs: 600_000 }
    expect(expectedWriters(identities, Date.parse("2026-11-30T23:59:59Z"))).toEqual([app])
    expect(expectedWriters(identities, Date.parse("2026-12-01T00:00:00Z"))).toEqual([])
  })

  test("is refused in the list if it is none, and of anybody but a writer", () => {
    expect(() => parseAccess(listOf("10x"))).toThrow(/line 5.*cadence.*10m/)
    expect(() => parseAccess(listOf("10m", "reader"))).toThrow(/cadence/)
  })
})
