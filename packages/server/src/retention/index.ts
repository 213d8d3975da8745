/**
 * What of a log is due to go (docs/spec/retention.md): segments by their age, keys of classes by their month, and what of
 * the entries that go has to be kept so that the others can be read. Decides and reads; removes nothing.
 */

export {
  type ClassMonth,
  dueClassMonths,
  dueTo,
  isOldEnoughToEnd,
  type Upcoming,
  upcoming,
} from "./due.ts"
export { type Forecast, forecast } from "./forecast.ts"
export { formatHolds, type Hold, holdsDigest, holdsMax, parseHolds, readHold } from "./holds.ts"
export { keptBelow } from "./openings.ts"
