import { describe, expect, test } from "vitest"
import { readMapping } from "./mapping.ts"
import { readOne } from "./reading.test.support.ts"

const shop = `
name: shop
title: the shop's own log
prefix: shop
id: /meta/id
time: {at: /when, unit: seconds}
action: /event
outcome: {at: /status, table: {"200": success, "403": denied}, otherwise: failure}
actor:
  type: {at: /who/kind, table: {person: user, robot: service}, otherwise: unknown}
  id: /who/id
  name: /who/name
onBehalfOf:
  - {type: {value: user}, id: /who/for}
targets:
  - {type: {value: order}, id: /orders/0/no}
  - {type: {value: order}, id: /orders/1/no}
severity: /level
reason: {message: /error}
origin: {ip: /a~1b/c~0d}
trace: {pairId: /call, phase: {at: /step, table: {begin: attempt, end: result}}}
data: {tries: /tries, test: /test}
`

const record = {
  meta: { id: "m-1" },
  when: 1795428000.25,
  event: "Order Deleted",
  status: 403,
  who: { kind: "person", id: "alice", name: "Alice", for: "bob" },
  orders: [{ no: 7 }],
  level: "high",
  error: "not yours",
  "a/b": { "c~d": "10.0.0.7" },
  call: "c-1",
  step: "begin",
  tries: 3,
  test: false,
}

describe("a mapping file", () => {
  test("says what becomes of a record, and the record stays as it was", () => {
    expect(readOne(readMapping(shop), JSON.stringify(record))).toEqual({
      id: "m-1",
      time: "2026-11-23T10:00:00.250Z",
      action: "shop.order_deleted",
      outcome: "denied",
      actor: { type: "user", id: "alice", name: "Alice" },
      onBehalfOf: [{ type: "user", id: "bob" }],
      targets: [{ type: "order", id: "7" }],
      severity: "high",
      reason: { message: "not yours" },
      origin: { ip: "10.0.0.7" },
      trace: { pairId: "c-1", phase: "attempt" },
      data: { format: "shop", tries: "3", test: "false" },
    })
  })

  test("leaves open what the record does not say, or says in another type", () => {
    const odd = { event: "x", who: "alice", orders: { 0: 1 }, when: "soon", status: {} }
    expect(readOne(readMapping(shop), JSON.stringify(odd))).toMatchObject({
      id: "id-1",
      action: "shop.x",
      outcome: "failure",
      actor: { type: "system", id: "unknown" },
      targets: [],
      data: { format: "shop" },
    })
    expect(
      readOne(readMapping("{name: s, action: /e, outcome: /o}"), '{"e":"x","o":"great"}'),
    ).toMatchObject({
      action: "s.x",
      outcome: "unknown",
    })
  })

  test("takes what its table does not have for the rest, where it names one", () => {
    expect(readOne(readMapping(shop), '{"event":"x","status":500}').outcome).toBe("failure")
    const table = "name: s\naction: {at: /e, table: {a: opened}}"
    expect(readOne(readMapping(table), '{"e":"a"}').action).toBe("s.opened")
    expect(readOne(readMapping(table), '{"e":"b"}').action).toBe("s.b")
  })

  test("makes a record without an action unreadable, and no prototype is looked into", () => {
    for (const pointer of ["/event", "/constructor/name", "/__proto__/x"]) {
      const format = readMapping(`{name: s, action: ${pointer}}`)
      expect(readOne(format, '{"a":1}')).toMatchObject({
        action: "s.unreadable",
        reason: { code: "RECORD_UNREADABLE" },
      })
    }
  })

  test("may name a constant action, and a time without a zone", () => {
    const format = readMapping("{name: s, prefix: door, action: {value: opened}, time: /t}")
    expect(readOne(format, '{"t":"2026-11-23 10:00:00,5"}')).toMatchObject({
      action: "door.opened",
      time: "2026-11-23T10:00:00.5Z",
      data: { timeZone: "unknown" },
    })
  })

  const wrong: [string, string][] = [
    ["name: s\n", "line 1: action: is missing"],
    ["name: s\nactoin: /x\n", "line 2: actoin: unknown key"],
    ["name: Shop\naction: /x\n", "line 1: name: must be made of a-z 0-9 and -"],
    ["name: vault\naction: /x\n", "line 1: name: there is a format vault already"],
    ["name: syslog\naction: /x\n", "line 1: name: is taken"],
    ["name: s\naction: x\n", "line 2: action: must be a JSON pointer, such as /user/name"],
    ["name: s\naction: /x~2\n", "line 2: action: must be a JSON pointer"],
    ["name: s\naction: /x\noutcome: {value: good}\n", "line 3: outcome: must be a JSON pointer"],
    [
      "name: s\naction: /x\ntime: {at: /t, unit: days}\n",
      "line 3: time: must be a JSON pointer, or {at, unit}",
    ],
    ["name: s\naction: /x\ndata:\n  line: /y\n", "line 4: data.line"],
    ["name: s\naction: /x\ndata:\n  s: /y\n", "line 4: data.s: is where the original stands"],
    ["name: s\naction: /x\naction: /y\n", "line 3: Map keys must be unique"],
  ]
  test.each(wrong)("%j is refused with its line", (text, message) => {
    expect(() => readMapping(text)).toThrow(
      expect.objectContaining({
        code: "MAPPING_INVALID",
        detail: expect.stringContaining(message),
      }),
    )
    expect(() => readMapping(text, "shop.yaml")).toThrow("shop.yaml line ")
  })
})
