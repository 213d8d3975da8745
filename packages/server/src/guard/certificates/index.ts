/**
 * The certificates of an installation over time: which there are and how old, new ones before the
 * old ones end, and the change from one CA to the next. Writes certificate files, keys and profiles
 * as wholes; the running processes see that and take them over. Never serves, never talks to a
 * process, never touches a signing key of the log.
 */
export { ownAuthority } from "./authorities.ts"
export {
  type HeldCertificate,
  listCertificates,
} from "./held-certificate.ts"
export { type IssuedFiles, issueFiles } from "./issue.ts"
export { keyExchange } from "./key-exchange.ts"
export { type RenewalPlan, type Renewed, renewDue, renewFile } from "./renewal.ts"
export {
  beginRollOver,
  finishRollOver,
  type RollOver,
  readRollOver,
} from "./roll-over.ts"
