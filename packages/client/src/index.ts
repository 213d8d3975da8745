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
export { type Audit, type AuditStatus, connect, type Details } from "./writer/audit.ts"
export type { ConnectOptions, Problem, SpoolOptions } from "./writer/options.ts"
