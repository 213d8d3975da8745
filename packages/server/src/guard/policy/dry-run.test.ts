import { describe, expect, test } from "vitest"
import { parsePolicy } from "../../policy/rules/index.ts"
import { DryRun, openTrial } from "./index.ts"

const policy = parsePolicy(`rules:
  - { name: beats, match: { class: system }, level: metadata, deduplicate: 60 }
  - { name: some, match: { action: page.view }, level: full, sample: 0.25 }
  - { name: reads, match: { class: read }, level: drop }
  - { name: all, level: full, transforms: [{ at: /data/**/iban, do: redact }, { at: /targets/*/name, do: hmac }] }
detect: { secrets: hmac }
`)
const base = { id: "1", time: "2026-01-01T00:00:00Z", source: "app://a", outcome: "success" }
const actor = { actor: { type: "user", id: "alice" }, targets: [] }
const text = (action: string, more: object = {}) =>
  JSON.stringify({ ...base, action, ...actor, ...more })

function ran(...events: readonly (readonly [text: string, atMs?: number, writer?: string])[]) {
  const run = new DryRun(openTrial(policy))
  for (const [one, receivedMs = 0, writer = "w"] of events)
    run.add({ writer, adapter: "postern", receivedMs, text: one })
  return run.report()
}

describe("a dry run", () => {
  test("counts by writer and rule what would be kept, most first", () => {
    const paid = text("invoice.paid")
    const { groups, ...report } = ran(
      ...([
        [text("user.view")],
        [paid],
        [paid],
        [paid, 0, "other"],
        [paid, 0, "other"],
        [paid, 0, "other"],
      ] as [string][]),
    )
    expect(
      groups.map(({ writer, rule, events, dropped }) => [writer, rule, events, dropped]),
    ).toEqual([
      ["other", "all", 3, 0],
      ["w", "all", 2, 0],
      ["w", "reads", 1, 1],
    ])
    const lost = text("user.view").length
    expect(report).toMatchObject({
      events: 6,
      kept: 5,
      changedBefore: 0,
      besides: 0,
      unreadable: 0,
    })
    expect(report.bytes - report.bytesKept).toBe(lost)
  })

  test("expects of a sample its share, without drawing", () => {
    const view = text("page.view")
    const report = ran([view], [view], [view], [view])
    expect(report).toMatchObject({ kept: 1, bytesKept: view.length, groups: [{ sampled: 3 }] })
  })

  test("leaves out what is repeated within the time, in whatever order it is told", () => {
    const beat = (n: number, more: object = {}) =>
      text("app.heartbeat", {
        id: `${n}`,
        time: `2026-01-01T00:00:0${n}Z`,
        sentAt: `${n}`,
        ...more,
      })
    const events = [
      [beat(1), 0],
      [beat(2), 59_000],
      [beat(3), 60_000],
      [beat(4), 61_000],
      [beat(5), 121_000],
      [beat(6, { source: "app://b" }), 100_000],
    ] as const
    for (const told of [events, events.toReversed()])
      expect(ran(...told)).toMatchObject({ kept: 3, groups: [{ rule: "beats", deduplicated: 3 }] })
  })

  test("counts fields by place, elements of arrays as one", () => {
    const targets = [1, 2].map((n) => ({ type: "user", id: `${n}`, name: "Bo" }))
    const report = ran(
      [text("a.paid", { data: { iban: 1, in: [{ iban: 2 }, { iban: 3 }] }, targets })],
      [text("a.paid", { data: { in: { iban: 2 } } })],
      [text("a.paid", { data: { note: "ghp_16C7e42F292c6912E7710c838347Ae178B4a" } })],
    )
    const [group] = report.groups
    expect(group?.did).toEqual(
      expect.arrayContaining([
        { what: "redact", fields: 3, events: 2 },
        { what: "hmac", fields: 1, events: 1 },
      ]),
    )
    expect(group?.detected).toEqual([{ name: "github-token", events: 1 }])
  })

  test("counts events in which something hidden still stands elsewhere", () => {
    const made = { data: { iban: "DE0212030", note: "from DE0212030" } }
    const report = ran([text("a.paid", made)], [text("a.paid", { data: { iban: "DE0212030" } })])
    expect(report.groups).toMatchObject([{ events: 2, leftOver: 1 }])
  })

  test("says what it cannot know", () => {
    const marked = text("a.paid").replace("{", '{"_policy":{"digest":"0","did":["cut /data"]},')
    const beside = text("a.paid", { _sd: ["x".repeat(43)] })
    const report = ran([marked], [beside], ["{}"], ["nonsense"])
    expect(report).toMatchObject({ events: 2, changedBefore: 1, besides: 1, unreadable: 2 })
    expect(report.groups).toMatchObject([{ bytes: text("a.paid").length + beside.length }])
  })
})
