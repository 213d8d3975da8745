/** The SDK's common actions (client/actions) are of the classes that the port's policy knows (server/policy/rules): two packages that never import each other. */
import { expect, test } from "vitest"
import { actions } from "../packages/client/src/actions/index.ts"
import { classOf, parsePolicy } from "../packages/server/src/policy/rules/index.ts"

const policy = parsePolicy("rules: [{ name: all, level: full }]\n")

const classes: [name: string, call: (act: ReturnType<typeof actions>) => string, of: string][] = [
  ["login", (act) => act.login(), "authentication"],
  ["loginFailed", (act) => act.loginFailed(), "authentication"],
  ["logout", (act) => act.logout(), "authentication"],
  ["accessDenied", (act) => act.accessDenied("invoice/1"), "denial"],
  ["created", (act) => act.created("invoice/1"), "change"],
  ["read", (act) => act.read("invoice/1"), "read"],
  ["updated", (act) => act.updated("invoice/1"), "change"],
  ["deleted", (act) => act.deleted("invoice/1"), "delete"],
  ["exported", (act) => act.exported("invoice/1"), "export"],
  ["granted", (act) => act.granted("seat/1", "user/bob"), "grant"],
  ["revoked", (act) => act.revoked("seat/1", "user/bob"), "grant"],
  ["configChanged", (act) => act.configChanged("thing/1"), "configuration"],
  ["keyUsed", (act) => act.keyUsed("thing/1"), "key"],
]

test.each(classes)("%s is of its class", (_, call, expected) => {
  let seen = ""
  const write = (
    action: string,
    { outcome = "unknown" }: { readonly outcome?: string | undefined },
  ) => {
    seen = classOf(policy, "postern", action, outcome).name
    return ""
  }
  call(actions(write))
  expect(seen).toBe(expected)
})

test("no action is without a class here", () => {
  expect(classes.map(([name]) => name).sort()).toEqual(Object.keys(actions(() => "")).sort())
})
