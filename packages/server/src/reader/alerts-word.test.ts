import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import {
  alertsFileName,
  alertTestKind,
  formatAlertsFile,
  newAlertsState,
  parseAlerts,
} from "../alerts/index.ts"
import { dataDirectories, parseConfig } from "../config/index.ts"
import { openAnswering } from "../postbox/index.ts"
import { openAlertsDesk } from "./alerts-word.ts"

const rules = `questions: [{ name: q, query: "outcome:denied" }]
alerts:
  - { name: a, query: "outcome:denied", severity: high, count: 5, within: 1m }
`
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "postern-alerts-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

function open(more = "") {
  const text = `origin: o
data: data
access: access.yaml
${more}
pki: { ca: a, certificate: b, key: c, logKey: d, receiptKey: e, reader: { certificate: f, key: g } }
`
  const config = parseConfig(text, join(directory, "postern.yaml"))
  const { courierState, readerState } = dataDirectories(config)
  for (const each of [courierState, readerState]) mkdirSync(each, { recursive: true })
  return { desk: openAlertsDesk(config), courierState, readerState }
}

const clear = { state: "clear", since: null, count: 0, delivered: null }
const alert = { name: "a", severity: "high", query: "outcome:denied", threshold: 5, window: 60 }

test("without a file there are no questions and no alerts", async () => {
  const { desk } = open()
  expect(await desk.word()).toEqual({ questions: [], alerts: [] })
  desk.close()
})

test("what the courier has in force goes before what people edit, and a bad file is none", async () => {
  const { desk, courierState } = open("alerts: alerts.yaml")
  writeFileSync(join(directory, "alerts.yaml"), rules)
  expect((await desk.word()).alerts).toEqual([{ ...alert, ...clear }])
  writeFileSync(join(courierState, "alerts.yaml"), rules.replace("name: a", "name: kept"))
  expect((await desk.word()).alerts.map(({ name }) => name)).toEqual(["kept"])
  writeFileSync(join(courierState, "alerts.yaml"), "nonsense")
  writeFileSync(join(courierState, alertsFileName), "{")
  expect(await desk.word()).toEqual({ questions: [], alerts: [] })
  desk.close()
})

test("each alert stands as the courier says, with how its last notification fared", async () => {
  const { desk, courierState } = open()
  writeFileSync(join(courierState, "alerts.yaml"), rules)
  const parts = { rules: parseAlerts(rules), state: newAlertsState(0), writtenMs: 1 }
  const delivery = { atMs: 5, webhook: "pager", outcome: "failed", detail: "HTTP 500" } as const
  const file = formatAlertsFile({
    ...{ ...parts, refused: undefined, waiting: [] },
    deliveries: new Map([["a", delivery]]),
  })
  writeFileSync(join(courierState, alertsFileName), file)
  const delivered = { at: 5000, webhook: "pager", outcome: "failed", detail: "HTTP 500" }
  expect(await desk.word()).toEqual({
    questions: [{ name: "q", query: "outcome:denied", description: "" }],
    alerts: [{ ...alert, ...clear, delivered }],
  })
  desk.close()
})

test("a test goes to the courier and back", async () => {
  const { desk, courierState, readerState } = open()
  const results = [
    { webhook: "pager", status: 204, answer: "" },
    { webhook: "mail", answer: "no" },
  ]
  const answering = openAnswering({
    own: courierState,
    askers: { reader: readerState },
    handlers: {
      [alertTestKind]: async (body) =>
        (body as { alert: string }).alert === "a" ? { results } : 5,
    },
    failed: () => undefined,
  })
  expect(await desk.test("a")).toEqual([results[0], { ...results[1], status: null }])
  await expect(desk.test("b")).rejects.toMatchObject({ code: "UNANSWERED" })
  await answering.close()
  desk.close()
})
