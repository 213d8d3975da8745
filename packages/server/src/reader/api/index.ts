/**
 * The read API (docs/reference/read-api.md): checkpoints, tiles, entries, proofs, search and live tail of one log, as answers
 * to HTTP requests. Decides by grant, and has every read of entries recorded before its rows leave. Never appends, never
 * signs, never opens a socket or a file: log, recorder, clock and grants are handed in.
 */
export { createReadApi, type ReadApi, type ReadEnv } from "./api.ts"
export type { ConsoleFile, ConsoleFiles } from "./console.ts"
export type {
  AlertsDesk,
  AlertsWord,
  DoctorsFindings,
  HouseView,
  LogStorage,
  PolicyFigures,
  PortFigures,
  ReviewWord,
  RuleFigures,
} from "./house.ts"
export type { MirrorState } from "./mirrors.ts"
export {
  type RawSlots,
  type Read,
  type ReadCounters,
  type ReadLimits,
  type ReadWorld,
  type Recorder,
  readLimits,
  type SlotCursor,
  type SlotPiece,
} from "./world.ts"
