import { describe, expect, test } from "vitest"
import { diffAccess, type IdentityText, parseAccess } from "./index.ts"

const id = "spiffe://postern.local/x"
const grant = { adapters: ["http" as const], sources: ["app://a/*"], actions: ["user.*", "x.y"] }
const writer = { id, role: "writer" as const, grant }
const reader = { id, role: "reader" as const, grant: { see: "monitor" as const } }

function changes(before: readonly IdentityText[], after: readonly IdentityText[]) {
  const list = (identities: readonly IdentityText[]) => parseAccess(JSON.stringify({ identities }))
  return diffAccess(list(before), list(after))
}

function sees(query: string): IdentityText {
  return { ...reader, grant: { see: "investigator", query } }
}

function widened(more: Partial<typeof grant>): IdentityText {
  return { ...writer, grant: { ...grant, ...more } }
}

type Case = [string, IdentityText[], IdentityText[]]
const weakening: Case[] = [
  ["a new reader", [], [reader]],
  ["a new operator", [], [{ id, role: "operator" }]],
  ["a new courier", [], [{ id, role: "courier" }]],
  ["a new writer that speaks for the log", [], [widened({ internal: true } as object)]],
  ["a new writer with a place", [], [{ ...writer, from: [{ cidr: "10.0.0.0/8" }] }]],
  ["another role", [reader], [{ id, role: "operator" }]],
  [
    "a later expiry",
    [{ ...writer, expires: "2027-01-01" }],
    [{ ...writer, expires: "2027-01-02" }],
  ],
  ["no expiry", [{ ...writer, expires: "2027-01-01" }], [writer]],
  ["more to see", [reader], [{ ...reader, grant: { see: "auditor" } }]],
  ["entries to see", [reader], [sees("actor:b")]],
  ["everything instead of a query", [sees("actor:b")], [{ ...reader, grant: { see: "auditor" } }]],
  ["another query", [sees("actor:b")], [sees("actor:c")]],
  ["a query that says less", [sees("actor:b AND action:d")], [sees("actor:b")]],
  ["a query with an alternative", [sees("actor:b")], [sees("actor:b OR action:d")]],
  [
    "a query in which a condition is another",
    [sees("actor:b AND action:d")],
    [sees("actor:b AND action:e AND source:x")],
  ],
  [
    "a query that says more of an alternative",
    [sees("actor:b OR action:d")],
    [sees("actor:b AND outcome:denied")],
  ],
  ["another way in", [writer], [widened({ adapters: ["http", "postern" as never] })]],
  ["another source", [writer], [widened({ sources: ["app://a/*", "app://b"] })]],
  ["a wider source", [writer], [widened({ sources: ["app://*"] })]],
  ["a wider action", [writer], [widened({ actions: ["*"] })]],
  ["speaking for the log", [writer], [widened({ internal: true } as object)]],
  ["no limit", [widened({ eventsPerSecond: 1 } as object)], [writer]],
  ["a first place", [writer], [{ ...writer, from: [{ cidr: "10.0.0.0/8" }] }]],
  [
    "a wider place",
    [{ ...writer, from: [{ cidr: "10.1.0.0/16" }] }],
    [{ ...writer, from: [{ cidr: "10.0.0.0/8" }] }],
  ],
  ["no cadence", [{ ...writer, cadence: "10m" }], [writer]],
]
const others: Case[] = [
  ["a new writer", [], [writer]],
  ["nobody", [reader], []],
  ["an earlier expiry", [writer], [{ ...writer, expires: "2027-01-02" }]],
  ["less to see", [{ ...reader, grant: { see: "auditor" } }], [reader]],
  ["a query instead of everything", [{ ...reader, grant: { see: "auditor" } }], [sees("actor:b")]],
  ["no entries any more", [sees("actor:b")], [reader]],
  ["a query that says more", [sees("actor:b")], [sees("actor:b AND action:d")]],
  [
    "a query that says more, in front",
    [sees("actor:b OR outcome:denied")],
    [sees("action:d AND (actor:b OR outcome:denied)")],
  ],
  ["the same query in other words", [sees("actor:b AND action:d")], [sees("action:d actor:b")]],
  ["a narrower source", [writer], [widened({ sources: ["app://a/b*"] })]],
  ["an action that was covered", [writer], [widened({ actions: ["user.*", "user.a"] })]],
  ["a limit", [writer], [widened({ eventBytes: 100 } as object)]],
  ["an owner", [writer], [{ ...writer, owner: "us" }]],
  [
    "a narrower place",
    [{ ...writer, from: [{ cidr: "10.0.0.0/8" }] }],
    [{ ...writer, from: [{ cidr: "10.1.0.0/16" }] }],
  ],
]

describe("what changes between two lists", () => {
  test.each(weakening)("weakens: %s", (_name, before, after) => {
    expect(changes(before, after).some((one) => one.weakens)).toBe(true)
  })

  test.each(others)("weakens nothing: %s", (_name, before, after) => {
    const found = changes(before, after)
    expect(found.length).toBeGreaterThan(0)
    expect(found.filter((one) => one.weakens)).toEqual([])
  })

  test("is nothing where only order and comments differ", () => {
    const text = `identities:\n  - id: ${id}\n    role: operator\n  - id: ${id}/a\n    role: operator\n`
    const other = `# x\nidentities:\n  - {id: ${id}/a, role: operator}\n  - {id: ${id}, role: operator}\n`
    expect(diffAccess(parseAccess(text), parseAccess(other))).toEqual([])
  })

  test("is said by identity, and for a revocation that is taken back as well", () => {
    const revoked = parseAccess('identities: []\nrevoked: [{ serial: "1f" }]\n')
    const none = parseAccess("identities: []\n")
    expect(diffAccess(none, revoked)).toEqual([
      { subject: "serial 1f", text: "revoked", weakens: false },
    ])
    expect(diffAccess(revoked, none)).toMatchObject([{ subject: "serial 1f", weakens: true }])
    const [first] = changes([writer], [widened({ actions: ["*"] })])
    expect(first).toEqual({ subject: id, text: "actions: - user.*", weakens: false })
  })
})
