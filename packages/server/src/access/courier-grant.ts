import type { Identity } from "./identity.ts"

/** What every courier may write: what alerts do (docs/spec/log.md, Self-events), and nothing else. The list says no more than its role. */
export const courierGrant: (Identity & { role: "writer" })["grant"] = {
  adapters: ["postern"],
  sources: ["postern://*"],
  actions: ["postern.alert.*", "postern.alerts.*"],
  internal: true,
}
