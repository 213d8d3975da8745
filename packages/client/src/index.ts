/**
 * `@postern/client`: one line to write an audit event (`connect`), verified answers to read them (`openReader`). No
 * third-party dependency; Node 20.19 and newer.
 */
export { connect } from "./losses/index.ts"
export {
  formatProfile,
  loadProfile,
  type Profile,
  type ProfileRole,
  parseProfile,
} from "./profile.ts"
export {
  type Completeness,
  type DisclosedEvent,
  type FacetOptions,
  type Facets,
  type Histogram,
  type HistogramBucket,
  type HistogramOptions,
  type LogEntry,
  openReader,
  type ProvenEntry,
  type QueryFields,
  type Question,
  type Reader,
  type SearchOptions,
  type TailOptions,
  type ValueCount,
  type WholeAnswer,
  type WriterState,
} from "./reader/index.ts"
export type { RenewedPair } from "./renewal/index.ts"
export type {
  Audit,
  AuditStatus,
  Confirmed,
  ConfirmOptions,
  ConnectOptions,
  Details,
  Problem,
  SpoolOptions,
  WriteEvent,
} from "./writer/index.ts"
