/**
 * `@postern/client`: one line to write an audit event (`connect`), verified answers to read them (`openReader`). No
 * third-party dependency; Node 20.19 and newer.
 */
export {
  formatProfile,
  loadProfile,
  type Profile,
  type ProfileRole,
  parseProfile,
} from "./profile.ts"
export {
  type DisclosedEvent,
  type FilterFields,
  type LogEntry,
  openReader,
  type ProvenEntry,
  type Reader,
  type SearchOptions,
  type TailOptions,
} from "./reader/index.ts"
export {
  type Audit,
  type AuditStatus,
  type Confirmed,
  type ConfirmOptions,
  type ConnectOptions,
  connect,
  type Details,
  type Problem,
  type SpoolOptions,
} from "./writer/index.ts"
