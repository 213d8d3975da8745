/**
 * How far files were read, so that each record is in the spool once, whatever happens in between. Pure: texts in, texts out.
 *
 * A snapshot says how many events the spool had been given, and where each file stood then. Behind it stands a line for each step, written
 * before the step's events go to the spool. After a crash the spool knows how many events it has: steps that it has whole are done,
 * of the next one so many events are skipped as it has, and what follows was not begun.
 */

export { CleanPoint } from "./clean-point.ts"
export { formatSnapshot, formatStep, replay } from "./journal.ts"
export type { FileMark, FilePlace, Positions, Step } from "./marks.ts"
