/**
 * The honest operator's bad day (docs/spec/log.md, Epochs; docs/operating/backup.md): puts a log back from a mirror where
 * that loses nothing, and otherwise ends the epoch and begins a successor that names what is missing. Never writes to a
 * log that may have been signed further than it goes, never deletes anything, never runs beside a port.
 */
export { type EpochBegan, epochBegan, firstOrigin, nextOrigin, successorText } from "./epoch.ts"
export {
  type EpochView,
  judgeReceipt,
  openLocalEpochs,
  type ReceiptFinding,
  receiptOrigin,
} from "./missing.ts"
export { type Restored, type RestoreOptions, restoreLog } from "./restore.ts"
