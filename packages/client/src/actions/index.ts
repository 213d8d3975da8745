/**
 * What applications do most often, each in one short call (`actions`); a function with an entry for its attempt and one for its end
 * (`withAudit`); what an agent's tool does (`withToolCall`). All of it ends in one `audit()`, and says nothing that its caller did not say or do:
 * an error's code stands in an entry, never its message.
 */
export { type Actions, actions, type Described } from "./actions.ts"
export { changesBetween, type MemberChange } from "./changes.ts"
export { outcomeOfError, outcomeOfStatus, reasonOf } from "./outcome-of.ts"
export { type ToolCall, withToolCall } from "./tool-call.ts"
export { type AuditedOptions, type Ended, type Say, withAudit } from "./with-audit.ts"
