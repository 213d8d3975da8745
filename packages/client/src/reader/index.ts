/**
 * Reading a log: search, tail, single entries, each answer checked against checkpoints signed by the profile's key. Believes
 * nothing else that the port says. Never writes to a log.
 */
export type { QueryFields } from "@postern/log/query"
export type {
  FacetOptions,
  Facets,
  Histogram,
  HistogramBucket,
  HistogramOptions,
  ValueCount,
  WriterState,
} from "./counts.ts"
export type { DisclosedEvent } from "./disclosed.ts"
export type { LogEntry } from "./entry.ts"
export {
  openReader,
  type ProvenEntry,
  type Question,
  type Reader,
  type ReaderOptions,
} from "./reader.ts"
export type { Completeness, SearchOptions, WholeAnswer } from "./search.ts"
export type { TailOptions } from "./tail.ts"
