/** Signs checkpoints and receipts (docs/spec/log.md). Decides nothing: its caller has made durable what is signed. */
export { openSigner, type Signer } from "./signer.ts"
