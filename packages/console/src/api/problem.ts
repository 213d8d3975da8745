/** Why an answer did not come: what the server said (RFC 9457), or that none could be reached. */
export class ProblemError extends Error {
  readonly code: string
  /** HTTP; 0 if no answer came. */
  readonly status: number
  readonly hint: string
  /** What is wrong in this case, where the title says what is wrong in general. */
  readonly detail: string | undefined
  /** Where in the query, characters from 0, for QUERY_INVALID. */
  readonly at: number | undefined
  readonly length: number | undefined
  /** What to write instead of these characters. */
  readonly suggestion: string | undefined

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const detail = text(problem.detail)
    const title = text(problem.title) ?? "The server gave no reason"
    super(detail === undefined ? title : `${title}: ${detail}`)
    this.status = status
    this.detail = detail
    this.code = text(problem.code) ?? `HTTP_${status}`
    this.hint = text(problem.hint) ?? ""
    this.at = number(problem.at)
    this.length = number(problem.length)
    this.suggestion = text(problem.suggestion)
  }
}

export function unreachable(cause: unknown): ProblemError {
  const problem = {
    code: "UNREACHABLE",
    title: "The reader does not answer",
    hint: "Is it running? postern console must stay open while this page is.",
  }
  const error = new ProblemError(0, problem)
  error.cause = cause
  return error
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined
}
