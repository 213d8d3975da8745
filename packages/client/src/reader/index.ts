/**
 * Reading a log: search, tail, single entries, each answer checked against checkpoints signed by the profile's key. Believes
 * nothing else that the port says. Never writes to a log.
 */
export type { DisclosedEvent } from "./disclosed.ts"
export type { LogEntry } from "./entry.ts"
export {
  type FilterFields,
  openReader,
  type ProvenEntry,
  type Reader,
  type ReaderOptions,
  type SearchOptions,
} from "./reader.ts"
export type { TailOptions } from "./tail.ts"
