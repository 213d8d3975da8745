/**
 * Who may do what: the access list and its decisions, and the one strict reading of a SPIFFE ID out
 * of a certificate. Pure: reads no clock, no file, no socket; the caller brings text and time.
 * Never decides about a single event.
 */
export {
  type AccessList,
  parseAccess,
  type ReaderGrant,
  type WriterGrant,
} from "./access-list.ts"
export { addIdentity } from "./amendment.ts"
export { type ExpectedWriter, expectedWriters } from "./cadence.ts"
export {
  type Adapter,
  adapters,
  type Identity,
  type IdentityText,
  identitiesMax,
  parseExpiry,
} from "./identity.ts"
export { makePatterns, type Patterns } from "./pattern.ts"
export { isSpiffeId, spiffeIdOf } from "./spiffe.ts"
