/**
 * From a logger's record to an event: which records are meant for the audit trail (`isMarked`), what they say of event v1, and where the rest goes
 * (`data.log`). For the integrations with loggers. A marked record is never dropped: one that cannot be an event becomes `log.unreadable` with its text.
 */
export { isMarked, type Marking, type MarkingOptions, markingOf } from "./marking.ts"
export { eventOfRecord, type RecordEvent } from "./record-event.ts"
export { writeRecord } from "./writing.ts"
