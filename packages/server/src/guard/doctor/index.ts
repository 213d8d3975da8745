/**
 * The physician: looks at a running installation from outside and from beside, and says of each thing whether it is well, what was seen
 * and what to do. What could not be looked at is `unknown`, never `ok`. Changes nothing, but for the one entry that it sends through.
 */
export { examine, type Patient } from "./doctor.ts"
export { examineFirewall } from "./firewall-drift.ts"
export type { PortStatus } from "./standing.ts"
