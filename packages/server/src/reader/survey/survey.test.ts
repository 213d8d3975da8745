import { encodeUtf8 } from "@postern/log/base"
import { deriveNonce, formatStamp } from "@postern/log/event"
import { describe, expect, test } from "vitest"
import {
  formatSurvey,
  hoursUntil,
  hourUs,
  parseSurvey,
  type Survey,
  stampMarks,
  startSurvey,
  surveyLeaf,
} from "./index.ts"

const app = "spiffe://postern.test/writer/app"
const reader = "spiffe://postern.test/postern/reader"
const begin = Date.UTC(2026, 10, 22, 12) * 1000

/** Leaves as a port writes them, and a survey that takes each in. */
function openLog() {
  const survey = startSurvey()
  const leaves: Uint8Array[] = []
  const next = new Map<number, number>()
  let received = begin
  const world = { isInternal: (id: string) => id === reader }
  function add(open: number, event: object): number {
    const index = leaves.length
    const sequence = next.get(open) ?? 0
    next.set(open, sequence + 1)
    received += 1000
    const nonce = deriveNonce(new Uint8Array(16), index)
    const stamp = formatStamp({ received, open, sequence, nonce, changed: 0 })
    const leaf = encodeUtf8(`${stamp}\n${JSON.stringify(event)}`)
    leaves.push(leaf)
    surveyLeaf(survey, leaf, world)
    return index
  }
  const life = { at: 0 }
  const port = (action: string, data: object = {}) =>
    add(life.at, { action: `postern.${action}`, data })
  return {
    survey,
    leaves,
    world,
    add,
    port,
    start: () => {
      life.at = leaves.length
      port("started")
    },
    open: (writer: string, more: object = {}) =>
      port("stream.opened", { writer, stream: "ab", from: "10.0.0.7:4711", ...more }),
    wait: (us: number) => {
      received += us
    },
    now: () => received,
  }
}

const seen = (survey: Survey, id = app) => survey.writers.get(id)

describe("a survey", () => {
  test("counts what each writer sends, by the hour, and when it was last", () => {
    const log = openLog()
    log.start()
    const open = log.open(app)
    for (let i = 0; i < 5; i++) log.add(open, { action: "a" })
    log.wait(2 * hourUs)
    log.add(open, { action: "a" })
    const { entries, lastSeen, hours, streams, addresses } = seen(log.survey) ?? {}
    expect({ entries, lastSeen, streams, addresses }).toEqual({
      ...{ entries: 6, lastSeen: log.now(), streams: 1, addresses: ["10.0.0.7"] },
    })
    const counts = hoursUntil(hours as never, log.now())
    expect(counts.slice(-3)).toEqual([5, 0, 1])
    expect(hoursUntil(hours as never, log.now() + 24 * hourUs)).toEqual(new Array(24).fill(0))
    expect(hoursUntil(hours as never, log.now() + hourUs).slice(-4)).toEqual([5, 0, 1, 0])
  })

  test("keeps streams over a restart of the port, and ends them when they are closed", () => {
    const log = openLog()
    log.start()
    const open = log.open(app)
    log.start()
    log.add(open, { action: "a" })
    expect(seen(log.survey)).toMatchObject({ entries: 1, streams: 1 })
    log.port("stream.closed", { writer: app, open })
    expect(seen(log.survey)?.streams).toBe(0)
    expect([...log.survey.streams.values()].map(({ own }) => own)).toEqual(["port"])
  })

  test("knows gaps, losses, silence, refusals, certificates and the doctor's word from the port's entries", () => {
    const log = openLog()
    log.start()
    const life = {
      serial: "ab",
      notBefore: "2026-11-01T00:00:00.000Z",
      notAfter: "2026-12-01T00:00:00.000Z",
    }
    log.open(app, life)
    log.port("stream.gap", { writer: app, count: 12 })
    log.port("refused", { writer: app, code: "EVENT_SYNTAX", count: 3 })
    log.port("refused", { writer: app, code: "RATE_LIMITED", count: 100 })
    log.port("refused", { from: "10.0.0.9:1", code: "RATE_LIMITED", count: 1 })
    log.port("writer.silent", { writer: app })
    log.port("doctor.examined", {
      result: "fail",
      checks: ["port.owner"],
      operator: "spiffe://postern.test/operator/admin",
    })
    expect(seen(log.survey)).toMatchObject({ gaps: 1, losses: 15, silent: true })
    expect(seen(log.survey)?.certificate).toEqual({
      serial: "ab",
      notBefore: Date.UTC(2026, 10, 1) * 1000,
      notAfter: Date.UTC(2026, 11, 1) * 1000,
    })
    expect(log.survey.refusals.get("RATE_LIMITED")).toMatchObject({ count: 101 })
    expect(log.survey.doctor).toMatchObject({
      result: "fail",
      checks: ["port.owner"],
      at: log.now(),
    })
    expect(log.survey.others.has("spiffe://postern.test/operator/admin")).toBe(true)
    log.port("writer.heard", { writer: app })
    expect(seen(log.survey)?.silent).toBe(false)
  })

  test("believes nobody but the port and the installation's own processes", () => {
    const log = openLog()
    log.start()
    const [mallory, own] = [log.open(app), log.open(reader)]
    for (const open of [mallory, own]) {
      log.add(open, {
        action: "postern.stream.opened",
        data: { writer: "x", stream: "1", from: "1.1.1.1:1" },
      })
      log.add(open, { action: "postern.refused", data: { code: "FAKE", count: 1 } })
    }
    log.add(mallory, { action: "postern.read", actor: { type: "reader", id: "forged" } })
    log.add(own, { action: "postern.read", actor: { type: "reader", id: "auditor" } })
    expect([...log.survey.writers.keys()]).toEqual([app, reader])
    expect(log.survey.refusals.size).toBe(0)
    expect([...log.survey.others.keys()]).toEqual(["auditor"])
  })

  test("is not confused by what the port's entries say of nobody, or what no port would write", () => {
    const log = openLog()
    log.start()
    for (const data of [{}, { writer: 5 }, { writer: "nobody", count: -4 }, [], "x", null]) {
      for (const what of [
        "stream.gap",
        "refused",
        "stream.closed",
        "writer.heard",
        "doctor.examined",
        "stream.opened",
      ]) {
        log.port(what, data as object)
      }
    }
    const { position } = log.survey
    for (const bytes of [
      "",
      "{",
      '{"r":',
      '{"r":1}',
      '{"r":12,"o":',
      '{"r":x,"o":1,',
      "\u0000\n{}",
    ]) {
      surveyLeaf(log.survey, encodeUtf8(bytes), log.world)
    }
    expect(log.survey.position).toBe(position + 7)
  })

  test("remembers the sixteen hosts that a writer came from last", () => {
    const log = openLog()
    log.start()
    for (let i = 0; i < 20; i++) log.open(app, { from: `10.0.0.${i}:1` })
    log.open(app, { from: "10.0.0.5:2" })
    const { addresses = [] } = seen(log.survey) ?? {}
    expect(addresses).toHaveLength(16)
    expect([addresses[0], addresses.at(-1)]).toEqual(["10.0.0.4", "10.0.0.5"])
    expect(new Set(addresses).size).toBe(16)
  })
})

describe("a kept survey", () => {
  test("goes on as if it had never stopped, wherever it is kept", () => {
    const log = openLog()
    log.start()
    const open = log.open(app)
    log.port("stream.gap", { writer: app, count: 2 })
    for (let i = 0; i < 30; i++) log.add(i % 3 === 0 ? 0 : open, { action: "a", data: { i } })
    log.port("refused", { writer: app, code: "EVENT_SYNTAX", count: 3 })
    log.open(reader)
    for (let cut = 0; cut <= log.leaves.length; cut++) {
      const first = startSurvey()
      for (const leaf of log.leaves.slice(0, cut)) surveyLeaf(first, leaf, log.world)
      const { survey, root } = parseSurvey(formatSurvey(first, "o", "r"), "o") ?? {}
      if (survey === undefined) throw new Error("it was not taken")
      for (const leaf of log.leaves.slice(cut)) surveyLeaf(survey, leaf, log.world)
      expect(root).toBe("r")
      expect(survey).toEqual(log.survey)
    }
  })

  test.each(["", "{", "null", "[]", "{}", '{"postern":"survey@v2"}', "5"])(
    "is made anew if it is %s",
    (text) => {
      expect(parseSurvey(text, "o")).toBeUndefined()
    },
  )

  test("is of one log", () => {
    const text = formatSurvey(startSurvey(), "one", "r")
    expect(parseSurvey(text, "one")).toBeDefined()
    expect(parseSurvey(text, "two")).toBeUndefined()
    expect(parseSurvey(text.slice(0, -20), "one")).toBeUndefined()
  })
})

test("the marks of a stamp are those that parseStamp reads, and nothing for what is no stamp", () => {
  for (const [received, open] of [
    [1, 0],
    [1_764_000_000_000_000, 99_999_999_999_999],
    [0, 7],
  ] as const) {
    const stamp = formatStamp({
      received,
      open,
      sequence: 3,
      nonce: new Uint8Array(16),
      changed: 0,
    })
    expect(stampMarks(encodeUtf8(`${stamp}\n{}`))).toEqual({ received, open })
  }
  expect(stampMarks(encodeUtf8('{"r":1,"x"}'))).toBeUndefined()
})
