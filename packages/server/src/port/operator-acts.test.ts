import { describe, expect, test } from "vitest"
import { OperatorActs } from "./operator-acts.ts"
import type { OwnEntry } from "./own-stream.ts"

const operator = "spiffe://postern.test/operator/o"

function open() {
  const entries: OwnEntry[] = []
  return {
    entries,
    acts: new OperatorActs({ record: (entry) => void entries.push(entry) }, () => 7),
  }
}

describe("an operator's act", () => {
  test("becomes an entry that names who it was, whatever was said of that", () => {
    const { acts, entries } = open()
    const data = { dialect: "nftables", operator: "somebody else" }
    acts.record({ action: "postern.firewall.applied", outcome: "success", data }, operator)
    expect(entries).toEqual([
      {
        ...{ action: "postern.firewall.applied", outcome: "success" },
        targets: [{ type: "operator", id: operator }],
        data: { dialect: "nftables", operator },
      },
    ])
    expect(acts.doctor).toBeUndefined()
  })

  test("of a doctor is remembered", () => {
    const { acts } = open()
    const data = { result: "fail" }
    acts.record({ action: "postern.doctor.examined", outcome: "failure", data }, operator)
    expect(acts.doctor).toEqual({ result: "fail", atMs: 7 })
  })

  const good = { action: "postern.firewall.applied", outcome: "success", data: {} }
  test.each([
    undefined,
    null,
    [],
    "x",
    {},
    { ...good, action: "postern.started" },
    { ...good, action: 1 },
    { ...good, outcome: "denied" },
    { ...good, data: undefined },
    { ...good, data: [] },
    { ...good, data: { long: "x".repeat(4096) } },
  ])("is refused as %j", (told) => {
    const { acts, entries } = open()
    const invalid = expect.objectContaining({ code: "REQUEST_INVALID" })
    expect(() => acts.record(told, operator)).toThrow(invalid)
    expect(entries).toEqual([])
  })
})
