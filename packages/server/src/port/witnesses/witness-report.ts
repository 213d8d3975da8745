import { PosternError } from "@postern/log/base"

/** What the courier says that a witness said, one asking at a time. */
export type WitnessReport =
  /** Signature lines for the checkpoint of this size. */
  | {
      readonly outcome: "cosigned"
      readonly witness: string
      readonly size: number
      readonly lines: string
    }
  /** The witness says that it cosigned a larger tree; `note` is the checkpoint that it shows. */
  | {
      readonly outcome: "larger"
      readonly witness: string
      readonly size: number
      readonly note?: string
    }
  /** The witness refused the checkpoint of this size for another tree; `note` is what it shows. */
  | {
      readonly outcome: "contradiction"
      readonly witness: string
      readonly size: number
      readonly note?: string
    }
  /** It does not know the log, or gave no answer that can be used. */
  | {
      readonly outcome: "unknown-log" | "failed"
      readonly witness: string
      readonly detail: string
    }

const textMax = 1_000_000

/**
 * The JSON of a report, strictly.
 * @throws PosternError REQUEST_INVALID
 */
export function parseWitnessReport(value: unknown): WitnessReport {
  if (typeof value !== "object" || value === null) throw invalid("no object")
  const { outcome, witness, size, lines, note, detail, ...more } = value as Record<string, unknown>
  if (Object.keys(more).length > 0) throw invalid(`${Object.keys(more)[0]} has no meaning`)
  if (!isText(witness)) throw invalid("witness is not text")
  switch (outcome) {
    case "cosigned":
      if (!isSize(size) || !isText(lines)) throw invalid("cosigned has size and lines")
      return { outcome, witness, size, lines }
    case "larger":
    case "contradiction":
      if (!isSize(size)) throw invalid(`${outcome} has a size`)
      if (note === undefined) return { outcome, witness, size }
      if (!isText(note)) throw invalid("note is not text")
      return { outcome, witness, size, note }
    case "unknown-log":
    case "failed":
      if (!isText(detail)) throw invalid(`${outcome} has a detail`)
      return { outcome, witness, detail: detail.slice(0, 500) }
    default:
      throw invalid("outcome is unknown")
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= textMax
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function invalid(detail: string): PosternError {
  return new PosternError("REQUEST_INVALID", `report of a witness: ${detail}`)
}
