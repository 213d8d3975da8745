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
export { addIdentity, addRevocation, endIdentity } from "./amendment.ts"
export { type BreakGlassIdentity, breakGlassMs, breakGlassOf, isLive } from "./break-glass.ts"
export { type ExpectedWriter, expectedWriters } from "./cadence.ts"
export { addressBits, type Cidr, formatCidr, parseCidr } from "./cidr.ts"
export { defaultSource } from "./default-source.ts"
export { type AccessChange, diffAccess } from "./difference.ts"
export { type Explanation, explainAccess, type Wish } from "./explanation.ts"
export {
  type Adapter,
  adapters,
  type Identity,
  type IdentityText,
  identitiesMax,
  parseExpiry,
} from "./identity.ts"
export { formatAccessSchema } from "./json-schema.ts"
export { makePatterns, type Patterns } from "./pattern.ts"
export type { KubernetesPlace, Place } from "./place.ts"
export { applyRevision, type Revision, reviseText, splitText } from "./revision.ts"
export { type CertificateMarks, formatSerial, type Revocation } from "./revocation.ts"
export { isSpiffeId, spiffeIdOf } from "./spiffe.ts"
