/**
 * The cellar: bricks without domain words, used by every other room. Pure; nothing here reads a clock, a file or
 * a socket. Owns the one error class and the registry of all error codes.
 */

export { type RunningSha256, sha256, startSha256 } from "#sha256"
export { assert, assertNever } from "./assert.ts"
export {
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  equalBytes,
  formatBase64,
  formatBase64Url,
  formatHex,
  parseBase64,
  parseBase64Url,
  parseDecimal,
  parseHex,
} from "./bytes.ts"
export { verifyEd25519 } from "./ed25519.ts"
export {
  type ErrorCode,
  type ErrorLine,
  errorRegistry,
  isPosternError,
  PosternError,
  type Slip,
} from "./errors.ts"
export { limits } from "./limits.ts"
