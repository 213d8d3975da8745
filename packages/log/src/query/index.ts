/**
 * The field filter of search and tail: read from request parameters, held against entries. Never
 * reads the log and never keeps an index; who scans is the caller, and so is who may ask. Fields as
 * in docs/spec/event.md; the writer stands in the entry that opened the stream (docs/spec/log.md)
 * and is handed in.
 */
export { type Filter, type FilterField, filterFields, parseFilter } from "./filter.ts"
export { matches, mayMatch } from "./match.ts"
