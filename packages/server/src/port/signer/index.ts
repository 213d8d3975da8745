/**
 * Signs checkpoints and receipts (docs/spec/log.md), with keys in files or a log key behind a socket (docs/spec/signer.md).
 * Decides nothing: its caller has made durable what is signed.
 */
export { openKeyFile, type SigningKey } from "./key-file.ts"
export { openKeySocket } from "./key-socket.ts"
export { withSignedMemory } from "./signed-memory.ts"
export { openSigner, type Signer } from "./signer.ts"
