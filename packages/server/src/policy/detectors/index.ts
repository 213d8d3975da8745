/**
 * Detectors: what in the texts of an event is a secret, a number of a card or an account, a person's address or a host's
 * (docs/reference/detectors.md). Pure, and linear in the length of a text whatever stands in it. Finds and says what is to
 * be done; never replaces anything, and knows neither events nor policies.
 */
export { type Detectors, openDetectors } from "./detectors.ts"
export type { Hit } from "./hit.ts"
export type { NeedleText } from "./needles.ts"
export { checkPattern, patternBounds, patternFault } from "./patterns.ts"
export type { ValueKind } from "./plain-values.ts"
export type {
  DetectorGroup,
  DetectorPack,
  DetectorSettings,
  Treatment,
  UserPattern,
} from "./settings.ts"
