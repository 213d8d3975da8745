/**
 * What anybody can check offline, with nothing but the log's verifier key or a trust policy:
 * receipts, the certificate of the key that signs them, receipt files (docs/spec/log.md, Receipt),
 * and evidence files (docs/spec/evidence.md). Never asks the port, a reader or a clock; everything
 * it is given, the verifier key and the policy apart, is taken for an enemy's.
 */
export {
  type BatchClaim,
  checkBatchReceipt,
  type ProvenBatch,
  receiptFileOf,
} from "./batch-receipt.ts"
export type { EvidenceDisclosure } from "./disclosure-reading.ts"
export { checkEvidence, type EvidenceOptions } from "./evidence-check.ts"
export type { EvidenceLeaf, EvidenceTold } from "./evidence-draft.ts"
export {
  type BatchLine,
  claimBytesMax,
  type EvidenceHead,
  type EvidenceKind,
  evidenceFileStart,
} from "./evidence-line.ts"
export { type Chunks, type EvidenceLimits, evidenceLimits } from "./evidence-reading.ts"
export type {
  EvidenceCounts,
  EvidenceVerdict,
  LeafSender,
  Verdict,
  Who,
  WriterKey,
} from "./evidence-verdict.ts"
export { EvidenceWriter } from "./evidence-writer.ts"
export type { Finding, FindingCode } from "./finding.ts"
export {
  formatKeyCertificateText,
  parseKeyCertificateText,
  rootKeyName,
} from "./key-certificate.ts"
export { KeyLearner, type KeyLearnerWorld } from "./key-learner.ts"
export {
  formatKeyProof,
  formatKeyProofs,
  type KeyChange,
  type KeyProof,
  keyActions,
  parseKeyProof,
  parseKeyProofs,
  readKeyChange,
} from "./key-proof.ts"
export { KeyTrust, openKeyTrust, pinnedPolicy, type TrustedKey } from "./key-trust.ts"
export {
  formatReceiptCertificateText,
  formatReceiptText,
  openReceipt,
  openReceiptCertificate,
  parseReceiptCertificateText,
  parseReceiptText,
  type Receipt,
  receiptKeyName,
} from "./receipt.ts"
export {
  checkReceipt,
  formatReceiptFile,
  parseReceiptFile,
  type ReceiptFile,
} from "./receipt-file.ts"
export {
  type StreamStatement,
  streamStatementText,
  verifyStreamStatement,
} from "./stream-signature.ts"
