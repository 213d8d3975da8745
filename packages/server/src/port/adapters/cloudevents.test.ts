import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { cloudeventsAdapter } from "./index.ts"
import { convert } from "./workbench.test.support.ts"

const structured = { contentType: "application/cloudevents+json; charset=utf-8" }
const batch = { contentType: "application/cloudevents-batch+json" }
const event = {
  ...{ specversion: "1.0", id: "A-1", source: "/shop", type: "com.Shop.Order Paid" },
  ...{ time: "2026-11-23T08:00:00.5+01:00", subject: "order/7", data: { amount: 7 } },
}

function one(body: string | Uint8Array, opening: object) {
  const [written, ...others] = convert(cloudeventsAdapter, body, opening)
  expect(others).toEqual([])
  expect(written).toMatchObject({ code: undefined, changed: 2 })
  return JSON.parse(written?.text ?? "")
}

function binary(body: string | Uint8Array, type: string | undefined, headers: object = {}) {
  const { data, ...attributes } = event
  const named = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])
  const all = { ...Object.fromEntries(named), ...headers }
  return one(body, { contentType: type, headers: { "content-type": type, ...all } })
}

describe("a CloudEvent", () => {
  test("becomes an event that says what it says", () => {
    const text = JSON.stringify(event)
    const { data, ...members } = one(` ${text}\n`, structured)
    expect(members).toEqual({
      ...{ id: "3:A-1@/shop", time: "2026-11-23T07:00:00.5Z", source: "k8s://test" },
      ...{ action: "com.shop.order_paid", outcome: "unknown" },
      ...{
        actor: { type: "system", id: "unknown" },
        targets: [{ type: "subject", id: "order/7" }],
      },
    })
    expect(data).toEqual({ format: "cloudevents", cloudevents: event })
    const [written] = convert(cloudeventsAdapter, text, structured)
    expect(written?.text).toContain(`"cloudevents":${text}}}`)
  })

  test.each([
    ["user", "alice", { type: "user", id: "alice" }],
    ["app_user", "bob", { type: "user", id: "bob" }],
    ["service_account", "ci", { type: "service", id: "ci" }],
    ["unauthenticated", undefined, { type: "anonymous", id: "anonymous" }],
    ["user", undefined, { type: "system", id: "unknown" }],
    ["toString", "x", { type: "system", id: "unknown" }],
  ])("says who caused it: %s %s", (authtype, authid, actor) => {
    expect(one(JSON.stringify({ ...event, authtype, authid }), structured).actor).toEqual(actor)
  })

  test("says its trace", () => {
    const traceparent = `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`
    const { trace } = one(JSON.stringify({ ...event, traceparent }), structured)
    expect(trace).toEqual({ traceId: "a1".repeat(16), spanId: "b2".repeat(8) })
  })

  test("has one id for one pair of source and id, and no other", () => {
    const idOf = (source: string, id: string) =>
      one(JSON.stringify({ ...event, source, id }), structured).id
    expect(idOf("b", "a@")).not.toBe(idOf("@b", "a"))
    expect(idOf('"', "ä")).toMatch(/^sha256:/)
    expect(idOf("s".repeat(200), "i")).toMatch(/^sha256:/)
  })

  test.each(["{}", '{"specversion":"1.0","id":"1","source":"s"}', "[]", "7", "{x}"])(
    "that is none is kept all the same: %s",
    (text) => {
      const { action, data } = one(text, structured)
      expect(action).toBe("cloudevents.unreadable")
      expect(data.line ?? JSON.stringify(data.cloudevents)).toBe(text)
    },
  )
})

test("a batch is as many events, one unhurt by another", () => {
  const other = { ...event, id: "A-2" }
  const body = `[${JSON.stringify(event)}, {"id":7}, {y} ,${JSON.stringify(other)}]`
  const events = convert(cloudeventsAdapter, body, batch).map(({ text }) => JSON.parse(text))
  expect(events.map(({ action }) => action)).toEqual([
    ...["com.shop.order_paid", "cloudevents.unreadable"],
    ...["cloudevents.unreadable", "com.shop.order_paid"],
  ])
  expect(convert(cloudeventsAdapter, "[]", batch)).toEqual([])
  expect(() => convert(cloudeventsAdapter, "[{}", batch)).toThrow("the body cannot be read")
})

test("an object that says it is a batch is kept whole", () => {
  expect(one(JSON.stringify(event), batch)).toEqual(one(JSON.stringify(event), structured))
  for (const text of ["{}", '{"a":1,"b":[2]}']) {
    expect(one(text, batch)).toMatchObject({ data: { cloudevents: JSON.parse(text) } })
  }
})

describe("an event in binary mode", () => {
  const { data: payload, ...attributes } = event

  test("is kept in the JSON form, its data as they came", () => {
    const { data, ...members } = binary('{ "amount":7.0 }', "application/json")
    expect(members).toEqual({ ...one(JSON.stringify(event), structured), data: undefined })
    const datacontenttype = "application/json"
    expect(data.cloudevents).toEqual({ ...attributes, datacontenttype, data: payload })
  })

  test.each([
    ["JSON of any name", '{"a":1}', "application/vnd.x+json; v=1", { data: { a: 1 } }],
    ["a JSON text that is none", "{a}", "application/json", { data: "{a}" }],
    ["text", 'say "ä"', "text/plain", { data: 'say "ä"' }],
    ["JSON that is not said to be", "{}", undefined, { data: "{}" }],
    ["bytes", Uint8Array.of(0xff, 0), "application/octet-stream", { data_base64: "/wA=" }],
    ["nothing", "", "application/json", {}],
  ])("may carry %s", (_, body, type, expected) => {
    const { data } = binary(body, type)
    expect(data.cloudevents).toMatchObject(expected)
    if (body === "") expect(data.cloudevents).not.toHaveProperty("data")
  })

  test("has its attributes percent-decoded", () => {
    const { data } = binary("", undefined, {
      ...{
        "ce-subject": "Euro%20%E2%82%AC%20%F0%9F%98%80",
        "ce-odd": "100%zz%ff",
        "ce-__proto__": "p",
      },
    })
    expect(data.cloudevents).toMatchObject({ subject: "Euro € 😀", odd: "100%zz%ff" })
    expect(Object.hasOwn(data.cloudevents, "__proto__")).toBe(true)
  })

  test("with any headers and any body is an event", () => {
    fc.assert(
      fc.property(
        ...[fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ unit: "binary" }))],
        ...[fc.uint8Array(), fc.constantFrom("application/json", "text/plain", "x/y")],
        (more, body, type) => {
          const entries = Object.entries(more).map(([name, value]) => [`ce-${name}`, value])
          const { data } = binary(body, type, Object.fromEntries(entries))
          const inside = data.cloudevents ?? JSON.parse(data.line)
          const { data: text, data_base64: base64 } = inside
          const came = Buffer.from(body)
          if (base64 !== undefined) expect(Buffer.from(base64, "base64")).toEqual(came)
          else if (type !== "application/json") expect(text ?? "").toBe(came.toString())
        },
      ),
      { numRuns: 40 },
    )
  })
})

test("anything else is refused", () => {
  for (const contentType of ["application/json", "text/plain", "application/cloudevents"]) {
    expect(() => convert(cloudeventsAdapter, "{}", { contentType })).toThrow("content type")
  }
})
