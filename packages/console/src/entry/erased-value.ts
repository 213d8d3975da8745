import { ProblemError } from "../api/index.ts"

/** A value whose key was destroyed on purpose. */
export interface ErasedValue {
  /** Index of the entry that says so; undefined if the key's record names none. */
  readonly entry: number | undefined
}

/** Undefined unless the answer is that the value is erased (docs/reference/read-api.md). */
export function erasedValueOf(error: unknown): ErasedValue | undefined {
  if (!(error instanceof ProblemError) || error.code !== "DISCLOSURE_MISSING") return undefined
  const said = /^erased(?: (\d{1,15}))?$/.exec(error.detail ?? "")
  if (said === null) return undefined
  const [, entry] = said
  return { entry: entry === undefined ? undefined : Number(entry) }
}
