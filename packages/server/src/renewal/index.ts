/**
 * Renewal of a peer's certificate over its own connection (docs/spec/wire.md, Renewal): what a certificate request must be, when a
 * certificate may be renewed, and the relay by which port and reader ask the courier. Holds no CA key and opens no connection; nothing
 * that a request says about its subject is believed.
 */

export { type AskedRenewal, formatAskedRenewal, parseAskedRenewal, renewalKind } from "./asked.ts"
export { judgeAge, RequestPace } from "./judgement.ts"
export {
  openRenewalRelay,
  type RelayWorld,
  type RenewalRelay,
  type Renewed,
  type RenewingPeer,
  refuseSameKey,
} from "./relay.ts"
export { type CertificateRequest, parseCertificateRequest } from "./request.ts"
