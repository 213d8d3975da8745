/**
 * The rules of policy.yaml: the file, the class of an event, what is decided about it, and what one version changes against
 * another (docs/spec/policy.md). Pure: the caller brings text and what an event says. Never reads an event's bytes and never
 * carries out a decision.
 */
export { type Adapter, adapters } from "../../access/index.ts"
export { type ClassName, classNames } from "./class-names.ts"
export type { Conditions } from "./conditions-form.ts"
export {
  classOf,
  type Decision,
  decide,
  decideByName,
} from "./decision.ts"
export { diffPolicy, type PolicyChange } from "./difference.ts"
export type { Named, Seen, SeenMember } from "./event-names.ts"
export {
  type Condition,
  type Explanation,
  explainDecision,
  type Miss,
  type Passed,
} from "./explanation.ts"
export { formatPolicySchema } from "./json-schema.ts"
export {
  anyDepth,
  anyOne,
  formatPointer,
  type Pointer,
  type PointerStep,
  parsePointer,
} from "./pointer.ts"
export {
  type Detect,
  type DetectorDoing,
  type DetectorGroup,
  type DetectorPattern,
  type Doing,
  keepEverything,
  type Level,
  type Pack,
  type Policy,
  parsePolicy,
  type Rule,
  type SaidClasses,
  type Transform,
} from "./policy.ts"
export {
  type Retention,
  type RetentionRule,
  retentionForm,
  retentionRule,
  shortLivedClasses,
} from "./retention-form.ts"
export { startingPolicy } from "./starting-text.ts"
export type { TypedId } from "./typed-ids.ts"
