/**
 * What a policy would do, shown before it does it (docs/operating/policy.md): one event explained, cases beside the rules, the
 * entries of a log sifted once more; and which policy was in force when. Works with keys of its own that nobody keeps, so that
 * nothing it prints is a value of the log. Never changes what is in force, and reads the log through a reader's eyes only.
 */
export {
  type Case,
  type CaseResult,
  casesFile,
  parseCases,
  runCase,
  startingCases,
} from "./cases.ts"
export { DryRun, type DryRunGroup, type DryRunReport } from "./dry-run.ts"
export { findPolicy, policyHistory, policyInForceAt } from "./history.ts"
export { openTrial, type Trial, type TrialResult } from "./trial.ts"
export { readEventText, type TriedEvent } from "./tried-event.ts"
