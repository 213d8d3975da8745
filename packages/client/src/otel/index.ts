/**
 * `@postern/client/otel`: a processor for OpenTelemetry's logs. Records that are marked go into the spool of the writer it is given, at once and in the context
 * of the request that emitted them; all others are none of its business. It stands beside whatever exports the rest.
 */

export type { LogRecordLike } from "./otel-event.ts"
export { AuditLogProcessor, type FlushingAudit } from "./processor.ts"
