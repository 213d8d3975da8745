/**
 * What a bundler for browsers gets in place of every door of this package: it throws as soon as it is loaded, and says why. All names are here so that the bundle is made
 * and the sentence is read; a test compares them with the real doors.
 */
const refusal =
  "@postern/client runs on a server: an audit event that a browser writes is worth what its user wants it to say, and the private key of the writer would be in " +
  "everybody's hands. Write it where the request is handled, or ask the read API through your own server. @postern/log, which verifies evidence, does run here."

function refuse(): never {
  throw new Error(refusal)
}

export const actions: unknown = refuse()
export const auditClient: unknown = refuse()
export const auditContext: unknown = refuse()
export const AuditLogProcessor: unknown = refuse()
export const auditMixin: unknown = refuse()
export const auditRequests: unknown = refuse()
export const auditTools: unknown = refuse()
export const AuditTransport: unknown = refuse()
export const audited: unknown = refuse()
export const bindContext: unknown = refuse()
export const changesBetween: unknown = refuse()
export const connect: unknown = refuse()
export const createTransport: unknown = refuse()
export const currentContext: unknown = refuse()
export const fillIn: unknown = refuse()
export const fillInFromContext: unknown = refuse()
export const formatProfile: unknown = refuse()
export const loadProfile: unknown = refuse()
export const openReader: unknown = refuse()
export const outbox: unknown = refuse()
export const outboxSchema: unknown = refuse()
export const outcomeOfError: unknown = refuse()
export const outcomeOfStatus: unknown = refuse()
export const parseProfile: unknown = refuse()
export const reasonOf: unknown = refuse()
export const runAsAgent: unknown = refuse()
export const runInContext: unknown = refuse()
export const withAudit: unknown = refuse()
export const withToolCall: unknown = refuse()
// biome-ignore lint/style/noDefaultExport: as the door for Pino has it.
export default refuse()
