/**
 * `@postern/client`: one line to write an audit event (`connect`), verified answers to read them (`openReader`). No third-party
 * dependency; Node 20.19 and newer.
 */
export {
  formatProfile,
  loadProfile,
  type Profile,
  type ProfileRole,
  parseProfile,
} from "./profile.ts"
export type { LogEntry } from "./reader/entry.ts"
export {
  type FilterFields,
  openReader,
  type ProvenEntry,
  type Reader,
  type SearchOptions,
} from "./reader/reader.ts"
export type { TailOptions } from "./reader/tail.ts"
export { type Audit, type AuditStatus, connect, type Details } from "./writer/audit.ts"
export type { ConnectOptions, Problem, SpoolOptions } from "./writer/options.ts"
