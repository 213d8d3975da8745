/**
 * Order: gives entries their index, groups batches into slots, keeps the streams. Plans only: does no I/O and reads no
 * clock (the driver hands it the time and writes what it planned). Specs: docs/spec/log.md, docs/spec/disk.md, docs/spec/wire.md (Streams).
 */
export { layOutMemory, type PortMemory } from "./memory.ts"
export { type Look, RecentIds, type Span } from "./recent-ids.ts"
export { advanceOverGap, replaySlot, restoreStreams, saveStreams } from "./replay.ts"
export {
  type BatchToPlace,
  type LogEnd,
  type PlacedBatch,
  recordOverheadBytes,
  type SealedSlot,
  Sequencer,
} from "./sequencer.ts"
export {
  advanceStream,
  type Judgement,
  judgeBatch,
  type RememberedBatch,
  type Stream,
  StreamTable,
} from "./streams.ts"
