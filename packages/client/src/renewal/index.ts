/**
 * Renewal of the profile's certificate from within (docs/spec/wire.md, Renewal): at half of its life a new key is made here, a request
 * for it goes over the connection that is open, and what comes back is checked and kept. The private key never leaves the process but
 * for the profile's own file. Never ends a connection that works, and never keeps anybody from writing or reading.
 */
export { createCertificateRequest } from "./certificate-request.ts"
export { fileHolder, memoryHolder, type ProfileHolder, type RenewedPair } from "./holder.ts"
export { createPair, judgeCertificate } from "./pair.ts"
export { type AskingLine, Renewal, type RenewalWorld, systemRenewalWorld } from "./renewal.ts"
