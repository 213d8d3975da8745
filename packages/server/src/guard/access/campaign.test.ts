import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import { parseAccess } from "../../access/index.ts"
import {
  applyCampaign,
  expireUnanswered,
  makeCampaign,
  parseCampaign,
  reviewState,
} from "./index.ts"

const now = new Date("2026-11-22T10:00:00Z")
const id = (name: string) => `spiffe://postern.local/${name}`
const text = `identities:
  # kept
  - id: ${id("writer/a")}
    role: writer
    owner: us
    grant: { adapters: [http], sources: ["app://a", "app://b"], actions: ["*"] }
  - id: ${id("reader/b")}
    role: reader
    grant: { see: auditor }
  - id: ${id("operator/c")}
    role: operator
    owner: us
  - id: ${id("courier")}
    role: courier
    owner: us
  - id: ${id("reader/gone")}
    role: reader
    expires: 2026-01-01
    grant: { see: auditor }
`
const plan = {
  ...{ origin: "postern.local/audit", began: "2026-11-22", deadline: "2026-12-06" },
  ...{ next: "2027-02-21", usageSince: "2026-08-24T10:00:00Z" },
}
const quiet = { neverNeeded: [], shared: undefined, selfApproved: false }
const usages = new Map([
  [
    id("writer/a"),
    {
      ...{ lastUsed: "2026-11-20T00:00:00Z", neverNeeded: ["sources app://b"] },
      ...{ shared: "aa from 10.0.0.1, bb from 10.0.0.2", selfApproved: false },
    },
  ],
  [id("reader/b"), { ...quiet, lastUsed: undefined }],
  [id("operator/c"), { ...quiet, lastUsed: "2026-11-21T00:00:00Z", selfApproved: true }],
])
const made = makeCampaign(parseAccess(text), usages, plan)

/** The file with the answers given in order, "" for what is left out. */
function filled(...answers: string[]): string {
  let at = 0
  return made.replaceAll('decision: ""', () => `decision: ${answers[at++] ?? '""'}`)
}
const apply = (file: string, list = text) => applyCampaign("review.yaml", file, list, now)

describe("a review", () => {
  test("asks about everybody who is good, and says what is odd", () => {
    const { entries } = parseCampaign(made, "review.yaml")
    expect(entries.map(({ id: one, lastUsed, flags }) => [one, lastUsed, flags])).toEqual([
      [
        id("writer/a"),
        "2026-11-20T00:00:00Z",
        [
          "over-privileged: never needed sources app://b",
          "wildcard",
          "shared: aa from 10.0.0.1, bb from 10.0.0.2",
        ],
      ],
      [id("reader/b"), "never", ["unused", "ownerless"]],
      [id("operator/c"), "2026-11-21T00:00:00Z", ["self-approved"]],
      [id("courier"), "unknown", []],
    ])
    const blind = parseCampaign(
      makeCampaign(parseAccess(text), undefined, { ...plan, usageSince: undefined }),
      "x",
    )
    expect(blind.entries.flatMap(({ flags }) => flags)).not.toContain("unused")
    expect(blind.usageSince).toBe("unknown")
  })

  test("ends what is revoked, lets expire what is unanswered, and leaves the rest", () => {
    const reviewed = apply(filled("revoke", '""', "certify", "certify"))
    expect(reviewed).toMatchObject({ certified: 2, revoked: 1, changed: 0, expired: 1 })
    const list = parseAccess(reviewed.text)
    expect(list.writer(id("writer/a"), now.getTime())).toBeUndefined()
    expect(list.reader(id("reader/b"), Date.parse("2026-12-05T23:59:59Z"))).toBeDefined()
    expect(list.reader(id("reader/b"), Date.parse("2026-12-06"))).toBeUndefined()
    expect(list.operator(id("operator/c"), Date.parse("2030-01-01"))).toBe(true)
    expect(reviewed.text).toContain("# kept")
  })

  test("done again changes nothing more", () => {
    const file = filled("revoke", '""', "certify", "certify")
    const once = apply(file)
    const later = applyCampaign("review.yaml", file, once.text, new Date(now.getTime() + 1e6))
    expect(later).toEqual(once)
  })

  test("takes a change for one only if the line was changed, and certifies no other line than it showed", () => {
    const other = text.replace('"app://a", "app://b"', '"app://a"')
    expect(apply(filled("change", "certify", "certify", "certify"), other).changed).toBe(1)
    expect(() => apply(filled("change", "certify", "certify", "certify"))).toThrow("is unchanged")
    const certify = filled("certify", "certify", "certify", "certify")
    expect(() => apply(certify, other)).toThrow("was changed since the review began")
    expect(
      apply(certify, "identities:\n  - id: spiffe://a/b\n    role: operator\n").text,
    ).toContain("spiffe://a/b")
  })

  test.each([
    [
      "nobody who operates",
      ["certify", "certify", "revoke", "certify"],
      "no operator would be left",
    ],
    [
      "nobody who operates later",
      ["certify", "certify", '""', "certify"],
      "no operator would be left",
    ],
    [
      "a process of ours unanswered",
      ["certify", "certify", "certify", '""'],
      "would expire: decide",
    ],
  ])("is refused if it leaves %s", (_name, answers, message) => {
    expect(() => apply(filled(...answers))).toThrow(message)
  })

  test.each([
    ["another word", filled("keep")],
    ["a line that was edited", made.replace(/line: \w{64}/, "line: 12")],
    ["a key more", `${made}more: 1\n`],
    ["no form", "x"],
  ])("is not taken with %s", (_name, file) => {
    expect(() => apply(file)).toThrow(/review\.yaml line \d+/)
  })
})

describe("when the next one is due", () => {
  const base = mkdtempSync(join(tmpdir(), "postern-reviews-"))
  const config = { access: join(base, "access.yaml") }
  const at = (day: string) => reviewState(config, Date.parse(day)).state
  afterAll(() => rmSync(base, { recursive: true }))

  test("warns while there was none, and is overdue when an open one passes its deadline", () => {
    expect(reviewState(config, now.getTime())).toEqual({
      state: "warn",
      due: undefined,
      open: undefined,
    })
    mkdirSync(join(base, "reviews"))
    writeFileSync(join(base, "reviews/2026-11-22.yaml"), made)
    expect(reviewState(config, now.getTime()).open?.deadline).toBe("2026-12-06")
    expect([at("2026-12-05"), at("2026-12-06")]).toEqual(["warn", "overdue"])
  })

  test("a signed result says it", () => {
    const digest = "ab".repeat(32)
    const fields = `list ${digest}\nresult ${digest}\ncertified 1\nrevoked 0\nchanged 0\nexpired 0\ndue 2027-02-21\n`
    const signed = `postern-statement/v1\nreview-access\npostern.local/audit\n2026-11-22T10:00:00Z\n${fields}\nAAAA\nAAAA\n`
    writeFileSync(join(base, "reviews/2026-11-22.yaml.signed"), signed)
    const { due, open } = reviewState(config, now.getTime())
    expect([due, open]).toEqual(["2027-02-21", undefined])
    const days = ["2027-02-06", "2027-02-07", "2027-02-20", "2027-02-21"]
    expect(days.map(at)).toEqual(["ok", "warn", "warn", "overdue"])
    writeFileSync(join(base, "reviews/2026-11-22.yaml.signed"), "x")
    expect(() => at("2026-11-22")).toThrow("no statement")
  })
})

describe("at the deadline", () => {
  const deadline = new Date("2026-12-06T00:00:00Z")
  const expire = (file: string, when = deadline, list = text) =>
    expireUnanswered(parseCampaign(file, "x"), list, when)

  test("what nobody answered ends, and what was answered stays", () => {
    const file = filled("certify", '""', "certify", "certify")
    expect(expire(file, new Date(deadline.getTime() - 1))).toMatchObject({ text, expired: [] })
    const { text: after, expired, left } = expire(file)
    expect([expired, left]).toEqual([[id("reader/b")], []])
    const list = parseAccess(after)
    expect(list.reader(id("reader/b"), deadline.getTime())).toBeUndefined()
    expect(list.writer(id("writer/a"), deadline.getTime())).toBeDefined()
    expect(expire(file, deadline, after)).toMatchObject({ text: after, expired: [] })
  })

  test("the service's own processes and the last operator are left", () => {
    const { expired, left } = expire(made)
    expect(expired).toEqual([id("writer/a"), id("reader/b")])
    expect(left).toEqual([id("operator/c"), id("courier")])
    const two = `${text}  - id: ${id("operator/d")}\n    role: operator\n`
    expect(expire(made, deadline, two).expired).toContain(id("operator/c"))
  })

  test("sealed break-glass access is ended, not opened", () => {
    const list = text.replace(
      "grant: { see: auditor }",
      "breakGlass: true\n    grant: { see: auditor }",
    )
    const ended = parseAccess(expire(made, deadline, list).text)
    expect(ended.reader(id("reader/b"), deadline.getTime() - 1000)).toBeDefined()
    expect(ended.reader(id("reader/b"), deadline.getTime())).toBeUndefined()
    const reviewed = parseAccess(
      apply(
        filled("certify", '""', "certify", "certify").replace(/line: \w{64}/g, (line) => line),
        list,
      ).text,
    )
    expect(reviewed.identities[1]?.expires).toBe(now.getTime())
  })
})
