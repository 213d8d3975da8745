/**
 * Makes evidence files (docs/spec/evidence.md) from a log: finds what was asked for, picks the checkpoint, and gives
 * the file line by line. Holds no key and signs nothing; whoever gets the file checks it with `@postern/log/evidence`
 * and a policy of his own. Never writes to the log, opens no socket, and keeps no record: who hands a file out does.
 */
export { type BatchSlots, openBatchSlots } from "./batch-slots.ts"
export {
  type EvidenceAsk,
  type EvidencePlan,
  evidenceLines,
  type PlanOptions,
  planEvidence,
} from "./evidence-plan.ts"
export { packLines } from "./packing.ts"
export { type AskedQuery, askQuery, type QueryAsk, searchQuery } from "./query-search.ts"
