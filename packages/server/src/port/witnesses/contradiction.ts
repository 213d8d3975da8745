import { formatBase64 } from "@postern/log/base"

/** Why the port signs no more: a witness knows what this log does not. */
export interface Contradiction {
  readonly code: "LOG_ROLLED_BACK" | "LOG_FORKED"
  readonly witness: string
  /** The size that the witness knows, or the one that it refused. */
  readonly size: number
  /** The log's own key signed what the witness shows; else only the witness says so. */
  readonly proven: boolean
  /** When the port heard of it first: milliseconds since 1970. */
  readonly since: number
}

/** Reads what the port kept of an earlier life; undefined for anything else. */
export function parseContradiction(text: string): Contradiction | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined // Nothing that the port wrote: the caller says so.
  }
  if (typeof value !== "object" || value === null) return undefined
  const { code, witness, size, proven, since } = value as Record<string, unknown>
  const whole =
    (code === "LOG_ROLLED_BACK" || code === "LOG_FORKED") &&
    typeof witness === "string" &&
    Number.isSafeInteger(size) &&
    typeof proven === "boolean" &&
    Number.isSafeInteger(since)
  return whole ? { code, witness, size: Number(size), proven, since: Number(since) } : undefined
}

/** For `/readyz`, `postern status` and the log. */
export function describeContradiction({ code, witness, size, proven }: Contradiction): string {
  const how = proven ? "shows" : "claims, without showing it,"
  return code === "LOG_ROLLED_BACK"
    ? `witness ${witness} ${how} a checkpoint of ${size} entries, more than were signed here`
    : `witness ${witness} ${how} another history of this log at ${size} entries or before`
}

/** What this log says of itself where a witness knows another. */
export interface OwnHistory {
  /** Of the size that the witness shows. */
  readonly root: Uint8Array
  /** That our newest checkpoint's tree begins with it. */
  readonly proof: readonly Uint8Array[]
}

/**
 * Everything that somebody needs to judge, as text: two notes of the log's own key and, if they
 * contradict each other, the proof that the tree of ours begins with another root than theirs.
 */
export function formatEvidence(
  contradiction: Contradiction,
  theirs: string | undefined,
  ours: string | undefined,
  history: OwnHistory | undefined,
): string {
  const own =
    history === undefined
      ? {}
      : { ourRoot: formatBase64(history.root), proof: history.proof.map(formatBase64) }
  const evidence = { postern: "contradiction@v1", ...contradiction, theirs, ours, ...own }
  return `${JSON.stringify(evidence, null, 2)}\n`
}
