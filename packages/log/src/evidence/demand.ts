import { PosternError } from "../base/index.ts"

/** For what others claim: throws RECEIPT_INVALID unless the condition holds. */
export function demandReceipt(holds: boolean, detail: string): asserts holds {
  if (!holds) throw new PosternError("RECEIPT_INVALID", detail)
}
