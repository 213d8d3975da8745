/**
 * The hot core: everything that is done to each event between the wire and the disk (scan, stamp,
 * hash, grow the tree), over one fixed memory and without an object per event (docs/spec/event.md,
 * docs/spec/log.md). Two implementations of one contract, api.ts: `wasm` is built from assembly/ by
 * tools/build-core.ts, `plain` is TypeScript. Never does I/O, reads no clock, draws no random
 * number, keeps no state between calls but its memory.
 */
export { type Core, type CoreOptions, rowBytes, rowField, verdictCodes, verdicts } from "./api.ts"
export { createCore } from "./create.ts"
