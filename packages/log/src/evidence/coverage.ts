import { isPosternError, PosternError } from "../base/index.ts"
import { checkRange } from "../tlog/index.ts"
import type { Receipt } from "./receipt.ts"

/**
 * Checks that entries `[a, b)` with these leaf hashes (concatenated) are in the slot that the
 * receipt is for.
 * @throws PosternError RECEIPT_INVALID
 */
export function checkCoverage(
  receipt: Receipt,
  a: number,
  b: number,
  leafHashes: Uint8Array,
  path: readonly Uint8Array[],
): void {
  const { first, count, root } = receipt
  try {
    checkRange(a, b, first, first + count, leafHashes, path, root)
  } catch (error) {
    if (!isPosternError(error)) throw error
    throw new PosternError("RECEIPT_INVALID", error.detail, { cause: error })
  }
}
