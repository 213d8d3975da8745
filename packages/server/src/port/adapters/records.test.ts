import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { httpAdapter, recordsAdapter } from "./index.ts"
import { convert } from "./workbench.test.support.ts"

const lines = { contentType: "application/x-ndjson" }
const text = { contentType: "text/plain; charset=utf-8" }
const time = "2026-11-23T07:41:02.123456Z"
const record = { date: 1_795_419_662.123456, log: "backup finished", host: "db-1", level: "info" }

function eventsOf(body: string | Uint8Array, opening: object = {}) {
  return convert(recordsAdapter, body, opening).map(({ text: event, code }) => {
    expect(code, event).toBeUndefined()
    return JSON.parse(event)
  })
}

const say = (value: object) => eventsOf(JSON.stringify(value))[0]

/** What an event holds of its body, byte for byte: an object that is read keeps the white space within it. */
function heldIn(event: string): string {
  const mark = ',"records":'
  return JSON.parse(event).data.line ?? event.slice(event.indexOf(mark) + mark.length, -2)
}

describe("a record of a log shipper", () => {
  test("becomes an event that says what it says, and holds it as it came", () => {
    const { data, id, ...members } = say(record)
    expect(id).toMatch(/^sha256:/)
    expect(members).toEqual({
      ...{ time, source: "k8s://test", action: "records.record", outcome: "unknown", targets: [] },
      ...{ actor: { type: "system", id: "unknown" }, severity: "info", origin: { host: "db-1" } },
    })
    expect(data).toEqual({ format: "records", records: record })
  })

  const cases: [string, object, object][] = [
    ["Vector's time", { timestamp: "2026-11-23T07:41:02.1Z" }, { time: "2026-11-23T07:41:02.1Z" }],
    [
      "Logstash's time",
      { "@timestamp": "2026-11-23T08:41:02+01:00" },
      { time: "2026-11-23T07:41:02Z" },
    ],
    ["seconds", { time: 1_795_419_662 }, { time: "2026-11-23T07:41:02.000000Z" }],
    ["milliseconds", { time: 1_795_419_662_123 }, { time: "2026-11-23T07:41:02.123000Z" }],
    [
      "a time without a zone",
      { date: "2026-11-23 07:41:02.000681" },
      { time: "2026-11-23T07:41:02.000681Z", data: { timeZone: "unknown" } },
    ],
    ["no time that is one", { date: "soon", time: -1 }, { time: "2026-11-22T12:00:00.123Z" }],
    ["a time beyond all years", { time: 1e300 }, { time: "2026-11-22T12:00:00.123Z" }],
    [
      "the words of an event, and more",
      {
        ...{ date: 1, id: "e-1", action: "Invoice.Deleted", outcome: "denied" },
        ...{ actor: { type: "user", id: "u", x: 1 }, targets: [{ type: "t", id: "1" }, 7] },
      },
      {
        ...{ id: "e-1", action: "invoice.deleted", outcome: "denied" },
        ...{ actor: { type: "user", id: "u" }, targets: [{ type: "t", id: "1" }] },
      },
    ],
    [
      "an id of nobody knows what",
      { id: "job", date: 1 },
      { id: expect.stringMatching(/^sha256:/) },
    ],
    ["nothing", {}, { id: "id-0", action: "records.record" }],
  ]
  test.each(cases)("says %s", (_, value, expected) => expect(say(value)).toMatchObject(expected))

  const pgaudit = "LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.account,select 1,<none>"
  const auditd = "type=USER_LOGIN msg=audit(1795419662.123:7): pid=1 uid=0 res=success"
  test.each([
    ["pgaudit", "log", pgaudit, /^pg\./],
    ["auditd", "message", `${auditd}\n`, /^linux\./],
  ])("is read as the line of %s that it carries", (contents, key, line, action) => {
    const event = say({ date: record.date, host: "h", [key]: line })
    expect(event.action).toMatch(action)
    expect(event.data).toMatchObject({ format: "records", contents })
    expect(event.data.records[key]).toBe(line)
    expect(say({ [key]: line.replace("LOG:", "A").replace("type", "t") }).action).toBe(
      "records.record",
    )
  })

  test("is read as the object that its line is", () => {
    const inner = { action: "a.b", outcome: "success", actor: { type: "user", id: "u" } }
    const event = say({ date: record.date, log: `${JSON.stringify(inner)}\n` })
    expect(event).toMatchObject({ ...inner, time, data: { contents: "json" } })
  })

  test("of a source that is known is what that makes of it", () => {
    const { action, data } = say({
      ...{ date: 1, type: "request", time: "2026-11-23T07:41:02Z" },
      request: { id: "r", operation: "read", path: "secret/a" },
    })
    expect(action).toBe("vault.secret.read")
    expect(data.format).toBe("vault")
    const login = { event: "user.login", code: "T1000I", time: "2026-11-23T07:41:02Z", uid: "u" }
    expect(say({ date: 1, ...login }).data.format).toBe("teleport")
    const paid = { specversion: "1.0", id: "1", source: "s", type: "t" }
    expect(say({ date: 1, ...paid }).data.format).toBe("cloudevents")
  })

  test("that is an event goes on as it is, and gets what it lacks", () => {
    const event = { action: "a.b", actor: { type: "user", id: "u" }, targets: [], data: { x: 1 } }
    for (const one of [event, { id: "1", time, source: "app://x", outcome: "error", ...event }]) {
      const body = JSON.stringify(one)
      expect(convert(recordsAdapter, body)).toEqual(convert(httpAdapter, body))
    }
    expect(say({ ...event, x: 1 }).data.format).toBe("records")
  })

  test("without a time gets another id each time: it may be another event", () => {
    const twice = JSON.stringify({ log: "a" }).repeat(2)
    expect(eventsOf(twice).map(({ id }) => id)).toEqual(["id-0", "id-1"])
    const timed = JSON.stringify(record)
    const ids = eventsOf(timed.repeat(2)).map(({ id }) => id)
    expect(ids[1]).toBe(`${ids[0]}/2`)
    expect(eventsOf(timed)[0].id).toBe(ids[0])
  })
})

describe("a body of records", () => {
  const one = JSON.stringify(record)
  const other = JSON.stringify({ ...record, log: "} {" })

  test.each([
    ["an array", `[${one}, ${other}]`, {}],
    ["one behind the other", ` ${one}${other}\n`, {}],
    ["one behind the other, with lines between", `${one}\r\n\n${other}`, {}],
    ["one a line", `${one}\n\n${other}\n`, lines],
    ["one a line, otherwise named", `${one}\n${other}`, { contentType: "application/ndjson" }],
  ])("is %s", (_, body, opening) => {
    const events = eventsOf(body, opening)
    expect(events.map(({ data }) => data.records.log)).toEqual(["backup finished", "} {"])
  })

  test.each([
    ["an array", `[${one},7,"x",{"a":},${one}]`, {}, ["7", '"x"', '{"a":}']],
    ["lines", `${one}\n{"a"\nplain\n\u00e4\n${one}`, lines, ['{"a"', "plain", "\u00e4"]],
  ])("of %s keeps what it cannot read, its neighbours unhurt", (_, body, opening, expected) => {
    const events = eventsOf(body, opening)
    const [first, last] = [events[0], events.at(-1)]
    expect([first.data.records, last.data.records]).toEqual([record, record])
    const between = events.slice(1, -1)
    expect(between.map(({ data }) => data.line)).toEqual(expected)
    for (const { action } of between) expect(action).toBe("records.unreadable")
  })

  test("that goes on otherwise after an object is kept to its end", () => {
    const events = eventsOf(`${one} true ${one}`)
    expect(events[1].data.line).toBe(`true ${one}`)
  })

  test("of plain lines is read by the formats that know them", () => {
    const body =
      "nobody knows\n<13>Nov 23 07:41:02 host app[7]: started\n\n\ttype=EOE msg=audit(1.0:2): \n"
    const events = eventsOf(body, text)
    expect(events.map(({ action, data }) => [action, data.format])).toEqual([
      ["line.record", "line"],
      ["syslog.user", "syslog"],
      [expect.stringMatching(/^linux/), "auditd"],
    ])
  })

  test.each(['{"Records":[]}', '{"Records":[{"a":1}]}', '{"Records":[{"a":1},{"b":2}]}'])(
    "of plain lines keeps a line that holds several records whole: %s",
    (line) => {
      const [event, after] = eventsOf(`${line}\nnobody knows`, text)
      expect(event.data[event.data.format]).toEqual(JSON.parse(line))
      expect(after.data.line).toBe("nobody knows")
    },
  )

  test("may be empty, and of no other type", () => {
    for (const opening of [{}, lines, text]) expect(eventsOf(" \n", opening)).toEqual([])
    expect(eventsOf("[]")).toEqual([])
    for (const contentType of ["application/msgpack", "application/json; charset=latin1"]) {
      expect(() => eventsOf("{}", { contentType })).toThrow("content type")
    }
    expect(() => eventsOf(`[${one}`)).toThrow("the body cannot be read")
  })

  test("of any bytes becomes events that hold them", () => {
    const item = fc.oneof(
      fc.constantFrom(one, "{", "}", '"', "\\", "\n", "[", "]", ",", "\0", "\ufeff"),
      fc.string({ maxLength: 8 }),
    )
    const type = fc.constantFrom({}, lines, text)
    fc.assert(
      fc.property(fc.array(item), type, (parts, opening) => {
        const body = parts.join("")
        try {
          const kept = convert(recordsAdapter, body, opening).map(({ text: event, code }) => {
            expect(code, event).toBeUndefined()
            return heldIn(event)
          })
          const left = kept.reduce((rest, line) => rest.replace(line, () => ""), body)
          if (!body.trimStart().startsWith("[") || opening === lines)
            expect(left.replaceAll(/[ \t\r\n]/g, "")).toBe("")
        } catch (error) {
          expect(String(error)).toContain("the body cannot be read")
        }
      }),
      { numRuns: 150 },
    )
  })
})
