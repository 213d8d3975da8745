/**
 * The policy at work on the rows of a batch: which events are kept, and with what less (docs/spec/policy.md). Runs between
 * examination and sequencer, in the core's memory: an event that nothing touches costs a look-up by its names and a search for
 * needles, both in the core. Decides; what it says is kept, tallied and sealed by the port's driver.
 */
export { FigureCounts, type PolicyFigures, type RuleFigures } from "./figures.ts"
export type {
  AlteredRow,
  BatchToSift,
  KeptLess,
  LargeEvent,
  Placed,
  SealedValue,
} from "./sifted-batch.ts"
export { Sifting, type SiftingWorld } from "./sifting.ts"
