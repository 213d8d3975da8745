/**
 * What this browser works out by itself: leaf hash, audit path, signature, writer, and that the log is still the one it was.
 * All arithmetic is @postern/log's. Asks nobody: what it needs comes in as arguments. Everything but the key that a person
 * pinned is taken for an enemy's.
 */
export { EntryProver, type OpenNote, type Rest } from "./entry-prover.ts"
export { type LogTrust, openLogTrust, openNotes } from "./log-trust.ts"
export { type PathStep, pathSteps } from "./path-steps.ts"
export {
  nextSeen,
  type Step,
  type StepState,
  type Verification,
  verifyEntry,
} from "./verification.ts"
