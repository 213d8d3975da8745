/**
 * What an HTTP request says of itself, for the integrations with web frameworks: from where it came, what it belongs to, how it ended. Headers
 * come from outside: what is not short and plain is left out, and a body or a query string is never looked at.
 */
export { type IncomingRequest, type RequestSource, requestContext } from "./request-context.ts"
export { type AuditedRoute, type EndedRequest, writeRoute } from "./route-event.ts"
