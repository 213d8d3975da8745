import { describe, expect, test } from "vitest"
import { teleportAdapter } from "./index.ts"
import { convert } from "./workbench.test.support.ts"

const login = {
  ...{ ei: 0, event: "user.login", uid: "0e1a3b6c-7d1f-4a6e-9d3c-1f2e3d4c5b6a", code: "T1000W" },
  ...{ time: "2026-11-23T07:41:02.123Z", cluster_name: "root.example", user: "alice" },
  ...{ success: false, error: "invalid password", method: "local" },
  ...{ "addr.remote": "[2001:db8::7]:51234", user_agent: "Firefox" },
}

function eventOf(body: string, path = "/v1/teleport/events.log") {
  const [written, ...others] = convert(teleportAdapter, body, { path })
  expect(others).toEqual([])
  expect(written).toMatchObject({ code: undefined, changed: 2 })
  return JSON.parse(written?.text ?? "")
}

const say = (more: object) => eventOf(JSON.stringify({ ...login, ...more }))

describe("an event of Teleport", () => {
  test("becomes an event that says what it says, and holds it as it came", () => {
    const { data, ...members } = say({})
    expect(members).toEqual({
      ...{ id: login.uid, time: login.time, source: "k8s://test", action: "teleport.user.login" },
      ...{ outcome: "failure", actor: { type: "user", id: "alice" } },
      targets: [{ type: "cluster", id: "root.example" }],
      ...{ severity: "warning", reason: { message: "invalid password" } },
      origin: { ip: "2001:db8::7", userAgent: "Firefox" },
    })
    expect(data).toEqual({ format: "teleport", teleport: login })
  })

  const cases: [string, object, object][] = [
    ["success", { success: true }, { outcome: "success" }],
    ["an exit code", { success: undefined, exitCode: "0" }, { outcome: "success" }],
    ["another exit code", { success: undefined, exitCode: 127 }, { outcome: "failure" }],
    ["nothing of how it ended", { success: undefined, error: "" }, { outcome: "unknown" }],
    ["a bot", { user_kind: 2 }, { actor: { type: "service", id: "alice" } }],
    [
      "who stood behind the name",
      { impersonator: "bot-ci" },
      { actor: { type: "user", id: "bot-ci" }, onBehalfOf: [{ type: "user", id: "alice" }] },
    ],
    ["nobody", { user: undefined }, { actor: { type: "system", id: "unknown" } }],
    [
      "a node",
      { server_hostname: "db-1", server_id: "77" },
      { targets: [{ type: "node", id: "db-1" }] },
    ],
    ["a session", { sid: "s-1" }, { trace: { sessionId: "s-1" } }],
    ["an address without a port", { "addr.remote": "192.0.2.1" }, { origin: { ip: "192.0.2.1" } }],
  ]
  test.each(cases)("says %s", (_, more, expected) => expect(say(more)).toMatchObject(expected))

  test("without an id gets one by what it holds", () => {
    const [first, again, other] = [{}, {}, { ei: 1 }].map(
      (more) => say({ uid: undefined, ...more }).id,
    )
    expect(first).toMatch(/^sha256:/)
    expect([again, other === first]).toEqual([first, false])
  })

  test("of a session says which, by its path if not itself", () => {
    const path = "/v1/teleport/session.5b0c-9.log"
    expect(eventOf(JSON.stringify(login), path).trace).toEqual({ sessionId: "5b0c-9" })
    expect(eventOf(JSON.stringify({ ...login, sid: "own" }), path).trace).toEqual({
      sessionId: "own",
    })
  })

  test.each(["{}", '{"event":7,"time":"x"}', "[]", "{x}", ""])(
    "that is none is kept all the same: %s",
    (text) => {
      const { action, data } = eventOf(text)
      expect(action).toBe("teleport.unreadable")
      expect(data.line ?? JSON.stringify(data.teleport)).toBe(text)
    },
  )
})

test("its paths are those that the event handler makes of its configuration", () => {
  const { path } = teleportAdapter
  const isTaken = (text: string) => typeof path !== "string" && path.test(text)
  for (const good of ["events.log", "session.0e1a3b6c-7d1f-4a6e-9d3c-1f2e3d4c5b6a.log"]) {
    expect(isTaken(`/v1/teleport/${good}`), good).toBe(true)
  }
  for (const bad of ["", "events", "session..log", "session.a/b.log", "x.log", "events.log/"]) {
    expect(isTaken(`/v1/teleport/${bad}`), bad).toBe(false)
  }
  expect(() => convert(teleportAdapter, "", { contentType: "application/x-ndjson" })).toThrow(
    "type",
  )
})
