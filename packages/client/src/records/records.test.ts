import { describe, expect, test } from "vitest"
import { runInContext } from "../context/index.ts"
import { Recorder } from "../writer/recorder.test.support.ts"
import { eventOfRecord, isMarked, markingOf, writeRecord } from "./index.ts"

const marking = markingOf({})

describe("isMarked()", () => {
  const cases: [record: object, isMarked: boolean][] = [
    [{ audit: true }, true],
    [{ audit: { action: "a.b" } }, true],
    [{ audit: {} }, true],
    [{ audit: false }, false],
    [{ audit: "yes" }, false],
    [{ audit: 1 }, false],
    [{ audit: null }, false],
    [{ audit: [] }, false],
    [{}, false],
    [Object.create({ audit: true }), false],
  ]
  test.each(cases)("%j: %s", (record, expected) => {
    expect(isMarked(record as Record<string, unknown>, marking, 30)).toBe(expected)
  })

  test("knows a key and a level of choice", () => {
    const chosen = markingOf({ key: "trail", level: 35 })
    expect(isMarked({ trail: true }, chosen, 30)).toBe(true)
    expect(isMarked({ audit: true }, chosen, 30)).toBe(false)
    expect(isMarked({}, chosen, 35)).toBe(true)
    expect(isMarked({}, marking, undefined)).toBe(false)
  })
})

describe("eventOfRecord()", () => {
  const time = new Date(0)

  test("takes the members of an object, keeps what event v1 does not know, and the rest of the record", () => {
    const audit = { action: "invoice.deleted", actor: "a", target: "invoice/1", colour: "red" }
    const record = { audit: { ...audit, data: { n: 1 } }, level: 30, msg: "gone", id: 7 }
    expect(eventOfRecord(record, marking, time)).toEqual({
      action: "invoice.deleted",
      details: {
        ...{ time, actor: "a", target: "invoice/1" },
        data: { colour: "red", n: 1, log: { level: 30, msg: "gone", id: 7 } },
      },
    })
  })

  test("loses no member, whatever it is called", () => {
    const record = JSON.parse('{"audit":{"__proto__":{"a":1}},"__proto__":{"b":2},"toString":3}')
    const { details } = eventOfRecord(record, marking, time)
    expect(JSON.stringify(details.data)).toBe(
      '{"__proto__":{"a":1},"log":{"__proto__":{"b":2},"toString":3}}',
    )
  })

  test("takes of a record that is marked itself what can mean nothing else", () => {
    const record = { audit: true, action: "a.b", actor: "a", id: 7, source: "x", data: 1, msg: "m" }
    expect(eventOfRecord(record, marking, undefined)).toEqual({
      action: "a.b",
      details: {
        time: undefined,
        actor: "a",
        data: { log: { id: 7, source: "x", data: 1, msg: "m" } },
      },
    })
  })

  test.each([[undefined], ["Not An Action"], [7]])(
    "an action %j becomes log.record, and stays",
    (action) => {
      const { details, ...event } = eventOfRecord({ audit: { action, actor: "a" } }, marking, time)
      expect(event.action).toBe("log.record")
      expect(details.data?.action).toBe(action)
    },
  )
})

describe("writeRecord()", () => {
  const write = (audit: object, record: unknown = { audit }): Recorder => {
    const recorder = new Recorder()
    const event = eventOfRecord({ audit }, marking, undefined)
    writeRecord(recorder.audit, "pino", event, record)
    expect(recorder.problems).toEqual([])
    return recorder
  }

  test("writes the event with the logger's name", () => {
    expect(write({ action: "a.b", actor: "alice" }).event).toMatchObject({
      ...{ action: "a.b", actor: { type: "user", id: "alice" }, data: { format: "pino" } },
    })
  })

  test("an actor that nobody names is unknown; in a context it is that of the context", () => {
    expect(write({ action: "a.b" }).event.actor).toEqual({ type: "system", id: "unknown" })
    const context = { actor: { type: "agent", id: "x" }, onBehalfOf: ["alice"] }
    runInContext(context, () => {
      expect(write({ action: "a.b" }).event).toMatchObject({
        ...{ actor: { id: "x" }, onBehalfOf: [{ type: "user", id: "alice" }] },
      })
    })
  })

  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  const bad: [what: string, audit: object][] = [
    ["an outcome that is none", { action: "a.b", actor: "a", outcome: "fine" }],
    ["an actor that is none", { action: "a.b", actor: 7 }],
    ["targets that are none", { action: "a.b", actor: "a", targets: "x" }],
    ["an action that is the port's own", { action: "postern.started", actor: "a" }],
    ["a cycle", { action: "a.b", actor: "a", data: cycle }],
    ["a BigInt", { action: "a.b", actor: "a", data: { n: 1n } }],
    ["an id that is none", { action: "a.b", actor: "a", id: "" }],
  ]
  test.each(bad)("keeps a record with %s as text", (_, audit) => {
    const { event } = write(audit)
    expect(event).toMatchObject({
      ...{ action: "log.unreadable", outcome: "unknown", actor: { type: "system", id: "unknown" } },
      reason: { code: "RECORD_UNREADABLE" },
    })
    expect(event.data?.line).toContain("action")
  })

  test("keeps a line as it came", () => {
    const line = '{"audit":{"outcome":"fine"}}'
    expect(write({ outcome: "fine" }, line).event.data?.line).toBe(line)
  })
})
