import { type ErrorCode, PosternError } from "../base/index.ts"

/**
 * For what others sent: throws the error unless the condition holds. (assert() is for our own
 * mistakes.)
 */
export function demand(holds: boolean, code: ErrorCode, detail: string): asserts holds {
  if (!holds) throw new PosternError(code, detail)
}

export function demandProof(holds: boolean, detail: string): asserts holds {
  demand(holds, "PROOF_INVALID", detail)
}

export function demandNote(holds: boolean, detail: string): asserts holds {
  demand(holds, "NOTE_INVALID", detail)
}

/**
 * Text of a peer for an error's detail: short, and with nothing in it that moves a terminal's
 * cursor.
 */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
