import { describe, expect, test } from "vitest"
import { parse } from "yaml"
import { z } from "zod"
import { formatAlertsSchema, parseAlerts, readyMade, startingAlerts } from "./index.ts"

const schema = z.fromJSONSchema(JSON.parse(formatAlertsSchema()))
const own = 'name: a, query: "outcome:denied", severity: low'

describe("alerts.yaml", () => {
  test("of a new installation has the ready-made alerts, and its example can be switched on", () => {
    const text = startingAlerts()
    const { alerts, questions, webhooks } = parseAlerts(text)
    const watches = alerts.map(({ watch }) => watch)
    const missing = Object.keys(readyMade).filter(
      (name) => !watches.some((watch) => watch === name),
    )
    expect(missing).toEqual(["reads-out-of-hours"])
    expect([questions.length, webhooks]).toEqual([1, []])
    const on = text.replace(/^webhooks: \[\]\n/m, "").replace(/^( *)# (?=- | {2}|webhooks)/gm, "$1")
    const more = parseAlerts(on)
    expect(more.alerts.map(({ name }) => name).slice(-2)).toEqual([
      "reads-out-of-hours",
      "many-denied",
    ])
    expect(more.webhooks).toHaveLength(1)
  })

  test("gives an alert what it does not say", () => {
    const [mine, gap] = parseAlerts(
      `alerts:\n  - { ${own} }\n  - { name: g, watch: gap, severity: critical }\n`,
    ).alerts
    expect(mine).toMatchObject({
      count: 1,
      withinMs: 300_000,
      clearAfterMs: 300_000,
      holdDownMs: 900_000,
      to: [],
    })
    expect(gap).toMatchObject({
      watch: "gap",
      by: "writer",
      severity: "critical",
      withinMs: 600_000,
    })
  })

  test("lets an alert use a question", () => {
    const text = `questions: [{ name: q, query: "outcome:denied", description: why }]\nalerts: [{ name: a, question: q, severity: low }]\n`
    expect(parseAlerts(text).alerts).toMatchObject([
      { queryText: "outcome:denied", description: "why" },
    ])
  })

  const webhook = (url: string) => `alerts: []\nwebhooks:\n  - name: w\n    url: ${url}\n`
  test.each([
    [`alerts:\n  - { ${own} }\n  - { ${own} }\n`, "line 3: alerts[1].name: a stands twice"],
    [
      "alerts:\n  - name: a\n    severity: low\n",
      "line 2: alerts[0]: needs one of watch, question and query",
    ],
    [
      `alerts:\n  - { ${own}, watch: gap }\n`,
      "line 2: alerts[0]: needs one of watch, question and query",
    ],
    [
      "alerts:\n  - name: a\n    severity: low\n    question: b\n",
      "line 4: alerts[0].question: there is no question b",
    ],
    ["alerts:\n  - name: a\n    query: x\n", "line 2: alerts[0].severity: is missing"],
    [
      `alerts:\n  - name: a\n    severity: low\n    query: "outcome:(a OR"\n`,
      "line 4: alerts[0].query: ",
    ],
    ['questions:\n  - name: a\n    query: "outcome:(a OR"\n', "line 3: questions[0].query: "],
    [
      `alerts:\n  - { ${own}, to: [pager] }\n`,
      "line 2: alerts[0].to[0]: there is no webhook pager",
    ],
    [
      `alerts:\n  - { ${own}, within: 5s }\n`,
      "line 2: alerts[0].within: must be a time such as 30s",
    ],
    [
      `alerts:\n  - { ${own}, hours: { zone: UTC, from: "08:00", to: "18:00" } }\n`,
      "alerts[0].hours: is for watch",
    ],
    [
      "alerts:\n  - { name: r, watch: reads-out-of-hours }\n",
      "alerts[0].hours: watch: reads-out-of-hours needs hours",
    ],
    [
      'alerts:\n  - { name: r, watch: reads-out-of-hours, hours: { zone: Mars/Base, from: "08:00", to: "18:00" } }\n',
      "zone: must be a time zone",
    ],
    [
      'alerts:\n  - { name: r, watch: reads-out-of-hours, hours: { zone: UTC, from: "18:00", to: "08:00" } }\n',
      "hours.from must be before",
    ],
    ["alerts:\n  - { name: g, watch: gap, by: actor }\n", "alerts[0].by: watch: gap has its own"],
    ["alerts:\n  - { name: g, watch: gapp }\n", "line 2: alerts[0].watch: must be one of gap,"],
    [webhook("http://alarms.example/"), "line 4: webhooks[0].url: must be an https URL"],
    [
      webhook("https://user:secret@alarms.example/"),
      "line 4: webhooks[0].url: must be an https URL",
    ],
    [webhook("file:///etc/passwd"), "line 4: webhooks[0].url: must be an https URL"],
    ["nonsense: 1\n", "line 1: nonsense: unknown key"],
    ["", "the document"],
  ])("is refused as a whole, with the line: %j", (text, message) => {
    expect(() => parseAlerts(text)).toThrow(message)
    expect(() => parseAlerts(text)).toThrow(expect.objectContaining({ code: "ALERTS_INVALID" }))
  })

  test.each([
    "http://localhost:1/x",
    "http://127.0.0.1:8080/",
    "http://[::1]:1/",
    "https://a.example/x?y=z",
  ])("takes the URL %s", (url) => {
    expect(parseAlerts(webhook(url)).webhooks).toMatchObject([{ url, timeoutSeconds: 5 }])
  })
})

describe("the schema for editors", () => {
  test.each([startingAlerts(), `alerts: [{ ${own} }]`, "questions: []"])("takes %s", (text) => {
    expect(schema.safeParse(parse(text)).error).toBeUndefined()
  })
  test.each([
    "alerts: [{ name: A, watch: gap }]",
    "nonsense: 1",
    "alerts: [{ name: a, watch: x }]",
  ])("refuses %s", (text) => {
    expect(schema.safeParse(parse(text)).success).toBe(false)
  })
})
