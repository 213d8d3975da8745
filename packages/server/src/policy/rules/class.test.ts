import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { classNames, classOf, keepEverything, parsePolicy } from "./index.ts"

const policy = parsePolicy(
  'rules: [{ name: a, level: full }]\nclasses: { read: ["page.*"], change: [cart.checkout], system: ["job.*"] }\n',
)
const of = (action: string, outcome = "success") => classOf(policy, "http", action, outcome)

describe("the class of an event", () => {
  test.each([
    ["postern.read", "log"],
    ["posternal.get", "read"],
    ["access.breakglass.opened", "break-glass"],
    ["door:break-glass/get", "break-glass"],
    ["glass.break.get", "read"],
    ["break.the.glass.get", "read"],
    ["user.login", "authentication"],
    ["user.login-failed", "authentication"],
    ["web/session:get", "authentication"],
    ["k8s.pods.exec.create", "authentication"],
    ["k8s.pods.attach.get", "authentication"],
    ["k8s.pods.portforward.create", "authentication"],
    ["k8s.services.proxy.get", "authentication"],
    ["k8s.tokenreviews.create", "authentication"],
    ["user.passwd.updated", "authentication"],
    ["user.pwd.updated", "authentication"],
    ["invoice.attachment.get", "read"],
    ["k8s.volumeattachments.get", "read"],
    ["role.get", "grant"],
    ["k8s.subjectaccessreviews.create", "grant"],
    ["k8s.localsubjectaccessreviews.create", "grant"],
    ["k8s.selfsubjectaccessreviews.create", "grant"],
    ["k8s.networkpolicies.update", "grant"],
    ["iam.policies.list", "grant"],
    ["k8s.clusterrolebindings.watch", "grant"],
    ["k8s.serviceaccounts.token.create", "grant"],
    ["k8s.secrets.get", "key"],
    ["k8s.certificatesigningrequests.approval.update", "key"],
    ["api_key.get", "key"],
    ["apikey.get", "key"],
    ["apikeys.list", "key"],
    ["personal_access_token.create", "key"],
    ["k8s.configmaps.list", "configuration"],
    ["k8s.validatingadmissionpolicies.get", "configuration"],
    ["k8s.validatingadmissionpolicybindings.get", "configuration"],
    ["k8s.mutatingadmissionpolicies.get", "configuration"],
    ["k8s.mutatingadmissionpolicybindings.get", "configuration"],
    ["report.download.get", "export"],
    ["invoice.deleted", "delete"],
    ["user_deleted", "delete"],
    ["k8s.pods.deletecollection", "delete"],
    ["deleted.invoice.get", "read"],
    ["order.get", "read"],
    ["search", "read"],
    ["invoice.updated", "change"],
    ["node:heartbeat", "system"],
    ["page.turned", "read"],
    ["page.login.seen", "authentication"],
    ["cart.checkout", "change"],
    ["cart.checkout.now", "unknown"],
    ["job.created", "system"],
    ["keyboard.get", "read"],
    ["monkey.updated", "change"],
    ["something", "unknown"],
    ["get.", "unknown"],
    ["", "unknown"],
  ])("of %s is %s", (action, name) => {
    expect(of(action).name).toBe(name)
  })

  test("is mandatory for all but what is read, changed and said by the system", () => {
    const loose = ["read", "change", "system"]
    const samples = {
      ...{ log: "postern.x", "break-glass": "breakglass", authentication: "login", grant: "acl" },
      ...{ key: "key", configuration: "config", export: "dump", delete: "purge", read: "get" },
      ...{ change: "write", system: "ping", unknown: "x", denial: "get" },
    }
    for (const name of classNames) {
      const found = of(samples[name], name === "denial" ? "denied" : "success")
      expect(found).toEqual({ name, mandatory: !loose.includes(name) })
    }
  })

  test("is denial whatever was denied, but for the log and break-glass", () => {
    expect(of("order.get", "denied").name).toBe("denial")
    expect(of("user.login", "denied").name).toBe("denial")
    expect(of("page.turned", "denied").name).toBe("denial")
    expect(of("breakglass.get", "denied").name).toBe("break-glass")
    expect(of("postern.refused", "denied").name).toBe("log")
  })

  test("is never made less mandatory by a policy than by the port alone, but for what is unknown", () => {
    const word = fc.constantFrom(
      "page",
      "job",
      "login",
      "key",
      "delete",
      "get",
      "x",
      "break",
      "glass",
    )
    const action = fc.tuple(
      fc.array(word, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(..."._:/-"),
    )
    fc.assert(
      fc.property(action, fc.constantFrom("success", "denied"), ([words, between], outcome) => {
        const text = words.join(between)
        const alone = classOf(keepEverything, "http", text, outcome)
        const found = of(text, outcome)
        if (alone.mandatory && alone.name !== "unknown") expect(found).toEqual(alone)
      }),
    )
  })
})
