/**
 * Writing to a log: events are spooled, sent in frames, and taken out of the spool when the port has acknowledged them
 * (docs/spec/wire.md). Never blocks and never throws into the application by default; never reads a log.
 */
export { type Audit, type AuditStatus, connect, type Details } from "./audit.ts"
export type { ConnectOptions, Problem, SpoolOptions } from "./options.ts"
