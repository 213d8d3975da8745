/**
 * What the port makes of what witnesses say (C2SP tlog-witness). The courier process asks them and
 * brings their answers; it is not believed: each cosignature is checked here over the text that the
 * port itself signed, against the port's own policy file, and a claim that the log was set back or
 * forked is told apart from a proof of it. Never asks a witness itself, never signs, and never
 * takes a cosignature away. Silence of every witness stops nothing; a contradiction stops signing.
 */

export type { Ahead } from "./clock-offset.ts"
export {
  type Contradiction,
  describeContradiction,
  type OwnHistory,
  parseContradiction,
} from "./contradiction.ts"
export { mergeCosignatures, quorumTime } from "./cosigned-note.ts"
export { parseWitnessReport, type WitnessReport } from "./witness-report.ts"
export {
  type WitnessEntry,
  Witnesses,
  type WitnessesSummary,
  type WitnessesWorld,
  type WitnessStanding,
} from "./witnesses.ts"
