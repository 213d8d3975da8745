/**
 * Reviewed texts over time, the access list and the policy: which one was in force when, rebuilt from the log (docs/spec/log.md,
 * The access list). Believes no text that does not have the digest that the log names. Knows nothing of what the texts say.
 */
export { type ReviewedText, type Revision, revisionsOf } from "./revisions.ts"
