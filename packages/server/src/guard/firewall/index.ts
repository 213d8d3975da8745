/**
 * The firewall of this host: what the access list says (`dialects`), compared with the rules in the kernel, and put
 * there. A change is undone by itself unless somebody confirms it. Owns the table `inet postern` or the chains POSTERN,
 * and touches nothing else of the host's rules. Never asks who a connection is: that is the port's certificate check.
 */
export { type AppliedRules, digestOfRules, readApplied } from "./applied-rules.ts"
export { type Applied, apply, confirm, rollBack } from "./apply.ts"
export {
  type Dialect,
  dialects,
  type FirewallModel,
  makeModel,
  type Rendering,
  render,
} from "./dialects/index.ts"
export { type Drift, driftOf, type LiveFirewall } from "./live.ts"
export { liveFirewalls } from "./live-firewalls.ts"
export { processUsers } from "./process-users.ts"
export { readUnconfirmed, stateDirectory, type Unconfirmed } from "./unconfirmed.ts"
