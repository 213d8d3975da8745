/**
 * The log directory (docs/spec/disk.md): slots, segments, hash files, lock, head, checkpoints. One writer (LogStore),
 * any number of read-only followers. Decides nothing about events or peers; knows no socket. Whoever can write to the
 * directory can destroy the log, and every verifier that knows a checkpoint or holds a receipt will see it.
 */
export { replaceFile, syncDirectory } from "./durable.ts"
export {
  type FileSystem,
  type OpenFile,
  type Opening,
  readAll,
  readFileIfAny,
  type Written,
  writeAll,
} from "./file-system.ts"
export { followLog } from "./follower.ts"
export { decodeHead, headBytes } from "./head-record.ts"
export { lockDirectory } from "./lock.ts"
export { hashesPath, listSegments, openLogDirectory, segmentPath } from "./log-directory.ts"
export { LogStore, type SlotPlan, segmentBytesMax } from "./log-store.ts"
export type { Head, LogView } from "./log-view.ts"
export { type FileNow, nodeFiles, openNow } from "./node-files.ts"
export { packedBlockBytes } from "./packed-form.ts"
export { listPlain, type Packed, packSegment, storedBytes } from "./packing.ts"
export { type KeptEntry, type Pruned, prunedError, readPruned } from "./pruned.ts"
export {
  dropIntent,
  type Intent,
  readIntent,
  readSegmentAges,
  rootBefore,
  type SegmentAge,
  writeIntent,
} from "./pruning.ts"
export { decodeRawSlot, RawSlotPlanner } from "./raw-slot.ts"
export { type RecoveredEnd, readLastSigned, type SlotVisitor } from "./recovery.ts"
export {
  type CompressedSegment,
  checkLocked,
  listCompressed,
  type OnDamage,
  openSegment,
  openSegmentNow,
  packedPath,
  type SegmentBytes,
  type SegmentBytesNow,
} from "./segment-bytes.ts"
export { diskError, syncFile } from "./segment-file.ts"
export {
  lendSegmentKeys,
  type SegmentKey,
  type SegmentKeyMaker,
  type SegmentKeys,
  type WrappingOfSegments,
} from "./segment-keys.ts"
export { readSegmentStart, type SegmentStart } from "./segment-start.ts"
export {
  alignSlot,
  type BatchRow,
  batchKind,
  batchRowBytes,
  decodeSlotHeader,
  encodeBatchRow,
  encodeSlotHeader,
  slotBytesMax,
  slotHeaderBytes,
  splitRecords,
} from "./slot.ts"
export { findSlot } from "./slot-finder.ts"
export { type ReadSlot, walkSlots } from "./slot-walker.ts"
export { completedNodes, slotEntriesMax, TreeBuilder } from "./tree-builder.ts"
