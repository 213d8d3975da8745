import { describe, expect, test } from "vitest"
import { Recorder } from "../writer/recorder.test.support.ts"
import { kinds } from "./actions.ts"
import { actions, changesBetween } from "./index.ts"

const said: [name: string, call: (act: ReturnType<typeof actions>) => string, expected: object][] =
  [
    ["login", (act) => act.login({ actor: "a" }), { action: "user.login", outcome: "success" }],
    [
      "a login that failed",
      (act) => act.loginFailed({ actor: "a", reason: { code: "WRONG_PASSWORD" } }),
      { action: "user.login", outcome: "failure", severity: "low", category: "auth" },
    ],
    ["logout", (act) => act.logout({ actor: "a" }), { action: "user.logout", op: "logout" }],
    [
      "a refusal",
      (act) => act.accessDenied("invoice/1", { actor: "a", op: "read" }),
      { action: "invoice.access", outcome: "denied", op: "read", severity: "medium" },
    ],
    ["create", (act) => act.created("invoice/1", { actor: "a" }), { action: "invoice.create" }],
    [
      "read",
      (act) => act.read("invoice/1", { actor: "a" }),
      { action: "invoice.read", op: "read" },
    ],
    [
      "update",
      (act) =>
        act.updated("invoice/1", { actor: "a", changes: changesBetween({ a: 1 }, { a: 2 }) }),
      { action: "invoice.update", changes: [{ path: "/a", before: 1, after: 2 }] },
    ],
    [
      "an update that failed",
      (act) => act.updated("invoice/1", { actor: "a", outcome: "error" }),
      { action: "invoice.update", outcome: "error" },
    ],
    [
      "delete",
      (act) => act.deleted({ type: "Invoice Item", id: "1" }, { actor: "a" }),
      { action: "invoice-item.delete", targets: [{ type: "Invoice Item", id: "1" }] },
    ],
    ["export", (act) => act.exported("report/1", { actor: "a" }), { action: "report.export" }],
    [
      "grant",
      (act) => act.granted("role/admin", "user/bob", { actor: "a" }),
      {
        action: "role.grant",
        targets: [
          { type: "role", id: "admin" },
          { type: "user", id: "bob" },
        ],
      },
    ],
    ["revoke", (act) => act.revoked("role/x", "user/b", { actor: "a" }), { action: "role.revoke" }],
    [
      "configuration",
      (act) => act.configChanged("setting/smtp", { actor: "a" }),
      { action: "config.update", category: "config" },
    ],
    ["a key", (act) => act.keyUsed("key/root", { actor: "a" }), { action: "key.use" }],
    ["no type", (act) => act.read("4711", { actor: "a" }), { action: "unknown.read" }],
  ]

describe("actions()", () => {
  test.each(said)("%s is an event", (_, call, expected) => {
    const recorder = new Recorder()
    expect(call(actions(recorder.audit))).toBe(recorder.event.id)
    expect(recorder.event).toMatchObject(expected)
    expect(recorder.problems).toEqual([])
  })

  test("never throw for what is no event", () => {
    const recorder = new Recorder()
    const act = actions(recorder.audit)
    expect(act.created(undefined as unknown as string, { actor: "a" })).not.toBe("")
    expect(act.created(null as unknown as string, { actor: "a" })).toBe("")
    expect(act.created({ type: "", id: "" }, { actor: "a" })).toBe("")
    expect(act.created(`${"x".repeat(300)}/1`, { actor: "a" })).not.toBe("")
    expect(act.login()).toBe("")
    expect(recorder.problems).toHaveLength(3)
  })

  test("all have a place in the interface and in this test", () => {
    const names = Object.keys(actions(new Recorder().audit))
    expect(names.sort()).toEqual(Object.keys(kinds).sort())
  })
})

describe("changesBetween()", () => {
  const cases: [what: string, before: object, after: object, changes: object[]][] = [
    ["nothing", { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, []],
    ["what came", {}, { a: null }, [{ path: "/a", after: null }]],
    ["what went", { a: 1 }, {}, [{ path: "/a", before: 1 }]],
    [
      "what lies deeper",
      { a: { b: 1, c: 2 } },
      { a: { b: 2, c: 2 } },
      [{ path: "/a/b", before: 1, after: 2 }],
    ],
    ["arrays as a whole", { a: [1, 2] }, { a: [1] }, [{ path: "/a", before: [1, 2], after: [1] }]],
    ["another type", { a: { b: 1 } }, { a: "b" }, [{ path: "/a", before: { b: 1 }, after: "b" }]],
    ["odd names", { "a/b~": 1 }, { "a/b~": 2 }, [{ path: "/a~1b~0", before: 1, after: 2 }]],
    ["equal dates", { a: new Date(5) }, { a: new Date(5) }, []],
  ]
  test.each(cases)("tells %s", (_, before, after, changes) => {
    expect(changesBetween(before, after)).toEqual(changes)
  })

  test("ends on cycles and on what JSON cannot write", () => {
    const cycle: Record<string, unknown> = { n: 1n }
    cycle.self = cycle
    expect(changesBetween(cycle, { ...cycle })).toEqual([])
    expect(changesBetween({ n: 1n }, { n: 2n })).toEqual([{ path: "/n", before: 1n, after: 2n }])
  })
})
