/**
 * What anybody can check offline, with nothing but the log's verifier key: receipts, the
 * certificate of the key that signs them, and receipt files (docs/spec/log.md, Receipt). Never asks
 * the port, a reader or a clock; everything it is given, the verifier key apart, is taken for an
 * enemy's.
 */
export {
  type BatchClaim,
  checkBatchReceipt,
  type ProvenBatch,
  receiptFileOf,
} from "./batch-receipt.ts"
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
