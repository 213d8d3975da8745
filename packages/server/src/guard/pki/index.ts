/**
 * Makes keys and certificates: the installation's CA, the leaves it signs, the log's signing keys.
 * Gives PEM texts back; never touches a file, never serves, holds no key longer than a call.
 */
export {
  type AuthorityOptions,
  type CertificateOptions,
  certifyKey,
  createAuthority,
  daysOfLife,
  issueCertificate,
  type KeyPair,
  splitBundle,
} from "./authority.ts"
export { encodeDer } from "./der.ts"
export { fingerprint, issuerOf, renewCertificate } from "./renewal.ts"
export {
  createLogKeys,
  createSigningKey,
  type LogKeys,
  openNoteSigner,
  verifierKey,
} from "./signing-key.ts"
