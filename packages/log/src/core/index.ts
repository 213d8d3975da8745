/**
 * The hot core: everything that is done to each event between the wire and the disk (scan, stamp,
 * hash, grow the tree) and what its policy asks of it first (recall, mention: docs/spec/policy.md),
 * over one fixed memory and without an object per event (docs/spec/event.md, docs/spec/log.md). Two
 * implementations of one contract, api.ts: `wasm` is built from assembly/ by tools/build-core.ts,
 * `plain` is TypeScript. Never does I/O, reads no clock, draws no random number, keeps no state
 * between calls but its memory.
 */
export {
  type Core,
  type CoreOptions,
  rowBytes,
  rowField,
  tableBytes,
  verdictCodes,
  verdicts,
} from "./api.ts"
export { createCore } from "./create.ts"
export { encodeNeedles, type Needle, needlesBytesMax } from "./needles.ts"
