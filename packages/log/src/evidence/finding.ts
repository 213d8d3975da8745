/** What is wrong with an evidence file, or why it could not be checked. Stable words, for programs. */
export type FindingCode =
  | "gzip"
  | "utf8"
  | "line"
  | "order"
  | "end"
  | "count"
  | "claim"
  | "note"
  | "origin"
  | "key"
  | "tree"
  | "leaf"
  | "disclosure"
  | "range"
  | "stream"
  | "fork"
  | "limit"

export interface Finding {
  readonly code: FindingCode
  /** A line of the file (from 1), an entry, or the whole file. */
  readonly where: string
  readonly what: string
}

/** Thrown inside of this room only: the check ends with this finding. */
export class EvidenceFault extends Error {
  readonly finding: Finding

  constructor(code: FindingCode, where: string, what: string) {
    super(`${code}: ${where}: ${what}`)
    this.name = "EvidenceFault"
    this.finding = { code, where, what }
  }
}

/** For what the file claims: ends the check unless the condition holds. */
export function demandEvidence(
  holds: boolean,
  code: FindingCode,
  where: string,
  what: string,
): asserts holds {
  if (!holds) throw new EvidenceFault(code, where, what)
}
