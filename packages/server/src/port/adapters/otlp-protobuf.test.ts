import { concatBytes, isPosternError, limits } from "@postern/log/base"
import { parseTime } from "@postern/log/event"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { otlpAdapter } from "./index.ts"
import { anyRequest, logRecord, pair, requestOf, resource } from "./otlp.test.support.ts"
import { encodeMessage, jsonOfMessage } from "./otlp-oracle.test.support.ts"
import { bytesField } from "./protobuf.ts"
import { convert, nextRegion, openBody } from "./workbench.test.support.ts"

const protobuf = { contentType: "application/x-protobuf" }

/** The code of the error with which a request is refused as a whole. */
function refusal(request: Uint8Array): string {
  try {
    take(request)
  } catch (error) {
    if (isPosternError(error)) return error.code
    throw error
  }
  return "none"
}

function take(request: Uint8Array, more: object = {}) {
  return convert(otlpAdapter, request, { ...protobuf, ...more })
}

function eventsOf(request: Uint8Array) {
  return take(request).map(({ text, code }) => {
    expect(code, text).toBeUndefined()
    return JSON.parse(text)
  })
}

/** What OTLP's JSON says otherwise than protobuf's: ids are hexadecimal, and nothing that is empty is written. */
function asOtlp(record: Record<string, unknown>): unknown {
  const hex = (id: unknown) => Buffer.from(String(id), "base64").toString("hex")
  const { traceId, spanId, ...rest } = record
  return {
    ...rest,
    ...(traceId === undefined ? {} : { traceId: hex(traceId) }),
    ...(spanId === undefined ? {} : { spanId: hex(spanId) }),
  }
}

/** Without what one writer of JSON leaves out and another does not. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value === 0 ? 0 : value
  const members = Object.entries(value).map(([key, inner]) => [key, plain(inner)] as const)
  const isEmpty = (inner: unknown) => inner === "" || (Array.isArray(inner) && inner.length === 0)
  const lists = ["key", "values", "attributes", "name", "version", "schemaUrl"]
  return Object.fromEntries(
    members.filter(([key, inner]) => !lists.includes(key) || !isEmpty(inner)),
  )
}

describe("a log record", () => {
  test("becomes an event that says what the record says", () => {
    const [event] = eventsOf(requestOf([logRecord]))
    const { data, id, ...members } = event
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(members).toEqual({
      ...{ time: "2023-11-14T22:13:20.123456789Z", source: "app://billing" },
      ...{ action: "invoice.deleted", outcome: "success", severity: "info", targets: [] },
      actor: { type: "user", id: "alice", name: "Alice Ä" },
      origin: { ip: "192.0.2.7", userAgent: "curl/8" },
      trace: { traceId: "0102030405060708090a0b0c0d0e0f10", spanId: "0102030405060708" },
    })
    expect(data.format).toBe("otlp")
    expect(data.otlp.body).toEqual({ stringValue: "alice deleted invoice 4711" })
    expect(data.scopeLogs.scope).toEqual({ name: "billing/audit", version: "3" })
    expect(data).not.toHaveProperty("cut")
  })

  test("is never guessed: what it does not say is unknown", () => {
    const [event] = eventsOf(
      requestOf([{ body: { value: { case: "boolValue", value: true } } }], {}),
    )
    expect(event).toMatchObject({
      ...{ id: "id-0", time: "2026-11-22T12:00:00.123Z", source: "k8s://test", action: "otlp.log" },
      ...{ outcome: "unknown", actor: { type: "system", id: "unknown" }, targets: [] },
    })
    for (const key of ["severity", "origin", "trace"]) expect(event).not.toHaveProperty(key)
  })

  const attribute = (...pairs: [string, string][]) => ({
    attributes: pairs.map(([key, value]) => pair(key, value)),
  })
  const cases: [string, object, object][] = [
    ["the attribute event.name", attribute(["event.name", "a.b"]), { action: "a.b" }],
    ["the attribute action", attribute(["action", "A b"]), { action: "a_b" }],
    [
      "an action that stands twice",
      attribute(["action", "a"], ["action", "b"]),
      { action: "otlp.log" },
    ],
    ["user.id", attribute(["user.id", "u"]), { actor: { type: "user", id: "u" } }],
    ["user.name alone", attribute(["user.name", "n"]), { actor: { type: "user", id: "n" } }],
    ["an outcome of its own", attribute(["event.outcome", "fine"]), { outcome: "unknown" }],
    ["an id of its own", attribute(["log.record.uid", "01J"]), { id: "01J" }],
    [
      "an id with a quote",
      attribute(["log.record.uid", '"']),
      { id: expect.stringMatching(/^sha256:/) },
    ],
    ["a severity in words", { severityText: "NOTICE" }, { severity: "notice" }],
    ["severity 24", { severityNumber: 24 }, { severity: "fatal" }],
    ["severity 25", { severityNumber: 25 }, { action: "otlp.log" }],
    [
      "the time it was seen",
      { observedTimeUnixNano: 1n },
      { time: "1970-01-01T00:00:00.000000001Z" },
    ],
    [
      "the largest time",
      { timeUnixNano: 2n ** 64n - 1n },
      { time: "2554-07-21T23:34:33.709551615Z" },
    ],
    ["a long name", { eventName: "x".repeat(300) }, { action: "x".repeat(128) }],
  ]
  test.each(cases)("says %s", (_, record, expected) => {
    expect(eventsOf(requestOf([record]))[0]).toMatchObject(expected)
  })

  test("is the same in JSON as another reader of protobuf makes it, and in bytes as it came", () => {
    fc.assert(
      fc.property(anyRequest, (resourceLogs) => {
        const request = encodeMessage("ExportLogsServiceRequest", { resourceLogs })
        const wanted = resourceLogs.flatMap(({ scopeLogs, ...around }) =>
          scopeLogs.flatMap(({ logRecords, ...scope }) =>
            logRecords.map((record) => {
              const scopes = [{ ...scope, logRecords: [record] }]
              return encodeMessage("ExportLogsServiceRequest", {
                resourceLogs: [{ ...around, scopeLogs: scopes }],
              })
            }),
          ),
        )
        const records = resourceLogs.flatMap(({ scopeLogs }) =>
          scopeLogs.flatMap(({ logRecords }) =>
            logRecords.map((record) => encodeMessage("LogRecord", record)),
          ),
        )
        const events = eventsOf(request)
        expect(events).toHaveLength(wanted.length)
        for (const [i, { data, time }] of events.entries()) {
          const original = Buffer.from(data.bytes, "base64")
          const same = jsonOfMessage("ExportLogsServiceRequest", wanted[i] as Uint8Array)
          expect(jsonOfMessage("ExportLogsServiceRequest", original)).toEqual(same)
          expect(original.includes(Buffer.from(records[i] ?? []))).toBe(true)
          expect(parseTime(time)).toBeDefined()
          const json = same as unknown as {
            resourceLogs: [{ scopeLogs: [{ logRecords: [object] }] }]
          }
          const { scopeLogs, ...around } = json.resourceLogs[0]
          const { logRecords, ...scope } = scopeLogs[0]
          expect(plain(data.otlp)).toEqual(plain(asOtlp({ ...logRecords[0] })))
          expect(plain(data.resourceLogs)).toEqual(plain(around))
          expect(plain(data.scopeLogs)).toEqual(plain(scope))
        }
      }),
      { numRuns: 150 },
    )
  })

  test("keeps fields that nobody here knows, of every message", () => {
    const unknown = Uint8Array.from([0xfa, 0x3f, 3, 1, 2, 3]) // Field 1023.
    const record = encodeMessage("LogRecord", logRecord)
    const scope = concatBytes(unknown, ...bytesField(2, concatBytes(record, unknown)))
    const inner = concatBytes(unknown, ...bytesField(2, scope))
    const request = concatBytes(unknown, ...bytesField(1, inner))
    const [event] = eventsOf(request)
    expect(event.action).toBe("invoice.deleted")
    expect(Buffer.from(event.data.bytes, "base64").equals(request)).toBe(true)
  })

  test("keeps such fields also where they stand between and behind the records", () => {
    const [a, b, c] = [1, 2, 3].map((value) => Uint8Array.of(0xf8, 0x3f, value)) // Field 1023 again.
    const record = encodeMessage("LogRecord", logRecord)
    const inScope = bytesField(2, record)
    const scope = concatBytes(a!, ...inScope, b!, ...inScope, c!)
    const events = eventsOf(concatBytes(...bytesField(1, ...bytesField(2, scope))))
    const alone = concatBytes(a!, b!, c!, ...inScope)
    const original = concatBytes(...bytesField(1, ...bytesField(2, alone)))
    for (const { data } of events) expect(data.bytes).toBe(Buffer.from(original).toString("base64"))
    expect(events).toHaveLength(2)
  })

  test("that cannot be read is kept all the same, its neighbours unhurt", () => {
    const record = encodeMessage("LogRecord", logRecord)
    const broken = Uint8Array.from([0x12, 0x05, 0x01])
    const scope = concatBytes(
      ...bytesField(2, record),
      ...bytesField(2, broken),
      ...bytesField(2, record),
    )
    const events = eventsOf(concatBytes(...bytesField(1, ...bytesField(2, scope))))
    expect(events.map(({ action }) => action)).toEqual([
      ...["invoice.deleted", "otlp.unreadable", "invoice.deleted"],
    ])
    expect(events[1]).toMatchObject({ outcome: "unknown", reason: { code: "RECORD_UNREADABLE" } })
    expect(Buffer.from(events[1].data.bytes, "base64").includes(Buffer.from(broken))).toBe(true)
    expect(events[1].data).not.toHaveProperty("otlp")
  })

  test("that comes again has its id again; equal ones of one request have their own", () => {
    const once = eventsOf(requestOf([logRecord])).map(({ id }) => id)
    const twice = eventsOf(requestOf([logRecord, logRecord])).map(({ id }) => id)
    expect(twice).toEqual([once[0], `${once[0]}/2`])
    const other = eventsOf(requestOf([logRecord], { resource: { attributes: [] } }))
    expect(other[0].id).not.toBe(once[0])
  })

  test("with texts and depths beyond bounds is cut for searching only", () => {
    let deep: object = { value: { case: "stringValue", value: "ground" } }
    for (let i = 0; i < 40; i++) deep = { value: { case: "arrayValue", value: { values: [deep] } } }
    const body = { value: { case: "stringValue", value: "ä".repeat(10_000) } }
    const request = requestOf([{ body }, { attributes: [{ key: "deep", value: deep }] }])
    const events = eventsOf(request)
    expect(events.map(({ data }) => data.cut)).toEqual([true, true])
    expect(events[0].data.otlp.body.stringValue).toBe("ä".repeat(8192))
    for (const { data } of events) {
      const original = Buffer.from(data.bytes, "base64")
      expect(jsonOfMessage("ExportLogsServiceRequest", original)).toBeDefined()
    }
  })

  test("that is too large for an entry keeps its envelope; its data goes beside the log", () => {
    const body = { value: { case: "stringValue", value: "x".repeat(200_000) } }
    const [event] = take(requestOf([{ ...logRecord, body }]))
    expect(event).toMatchObject({ changed: 3, code: "EVENT_DISCLOSURE", isTooLarge: false })
    const { data, _sd, action } = JSON.parse(event?.text ?? "")
    expect([data, _sd.length, action]).toEqual([undefined, 1, "invoice.deleted"])
    const disclosed = JSON.parse(Buffer.from(event?.values[0]?.json ?? "").toString())
    expect(disclosed[1]).toBe("data")
    expect(Buffer.from(disclosed[2].bytes, "base64").length).toBeGreaterThan(200_000)
  })
})

describe("a request", () => {
  test("may hold nothing", () => {
    expect(take(new Uint8Array(0))).toEqual([])
    expect(take(requestOf([]))).toEqual([])
  })

  test("may hold nothing but a million fields that nobody here knows", () => {
    const field = [0xf8, 0x3f, 1]
    expect(take(new Uint8Array(1_000_000 * field.length).map((_, i) => field[i % 3]!))).toEqual([])
  })

  test("comes out whole through regions of any length, also when others use the memory meanwhile", () => {
    const request = requestOf(Array.from({ length: 40 }, (_, i) => ({ ...logRecord, flags: i })))
    const whole = take(request).map(({ text }) => text)
    const run = openBody(otlpAdapter, request, protobuf)
    const parts: string[] = []
    for (let next = nextRegion(run, 6000); next !== undefined; next = nextRegion(run, 6000)) {
      expect(next.touched).toBe(false)
      parts.push(...next.events.map(({ text }) => text))
    }
    expect(parts).toEqual(whole)
  })

  test.each([
    ["no protobuf", new Uint8Array(30).fill(0xff)],
    ["cut off", requestOf([logRecord]).subarray(0, 60)],
    ["broken in the middle", concatBytes(...bytesField(1, Uint8Array.of(0x12, 9)))],
  ])("that is %s is refused as a whole", (_, bytes) => {
    expect(refusal(bytes)).toBe("HTTP_BODY_SYNTAX")
  })

  test("is refused if it would take many times its length", () => {
    const huge = { attributes: [pair("command", "x".repeat(40_000))] }
    expect(refusal(requestOf([logRecord], { resource: huge }))).toBe("HTTP_BODY_TOO_LARGE")
    const large = { attributes: [pair("command", "x".repeat(30_000))] }
    const many = Array.from({ length: 5_000 }, () => ({}))
    expect(refusal(requestOf(many, { resource: large }))).toBe("HTTP_BODY_TOO_LARGE")
    const tooMany = Array.from({ length: limits.httpBodyEventsMax + 1 }, () => ({}))
    expect(refusal(requestOf(tooMany))).toBe("HTTP_BODY_TOO_LARGE")
    const empty = bytesField(1, ...bytesField(2)) // A resource's scope without records.
    const empties = Array(limits.httpBodyEventsMax / 2 + 1).fill(concatBytes(...empty))
    expect(refusal(concatBytes(...empties.slice(1)))).toBe("none")
    expect(refusal(concatBytes(...empties))).toBe("HTTP_BODY_TOO_LARGE")
  })

  test("changed in any place is refused as a whole or becomes events that hold it as it is", () => {
    const request = requestOf([logRecord, { ...logRecord, eventName: "b" }], { resource })
    fc.assert(
      fc.property(fc.nat(request.length - 1), fc.nat(255), (at, byte) => {
        const changed = Uint8Array.from(request)
        changed[at] = byte
        const refused = refusal(changed)
        expect(["none", "HTTP_BODY_SYNTAX"]).toContain(refused)
        for (const { code, text } of refused === "none" ? take(changed) : []) {
          // An action of the port's own is nobody else's to say.
          if (code === undefined) expect(JSON.parse(text).data.bytes).toMatch(/^[A-Za-z0-9+/]+=*$/)
          else expect(code).toBe("EVENT_ACTION_RESERVED")
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
