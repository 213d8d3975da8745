import type { UseQueryResult } from "@tanstack/react-query"
import type { ReactNode } from "react"
import { useEffect, useState } from "react"
import { ProblemError } from "../api/index.ts"

/** Something that is said in the place of what is not there. */
export function State({
  title,
  tone = "plain",
  children,
}: {
  readonly title: string
  readonly tone?: "plain" | "fair" | "bad"
  readonly children?: ReactNode
}) {
  return (
    <section className="state" data-tone={tone} role={tone === "bad" ? "alert" : "status"}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** Why something could not be shown, what helps, and a way to try again. */
export function Failure({
  error,
  onRetry,
}: {
  readonly error: Error
  readonly onRetry?: (() => void) | undefined
}) {
  const problem = error instanceof ProblemError ? error : undefined
  const { title, tone, more } = wordsFor(problem)
  return (
    <State title={title} tone={tone}>
      <p>{more ?? error.message}</p>
      {problem !== undefined && problem.hint !== "" && <p className="quiet">{problem.hint}</p>}
      <div className="row">
        {onRetry !== undefined && (
          <button type="button" className="button" onClick={onRetry}>
            Try again
          </button>
        )}
        {problem !== undefined && <code className="small quiet">{problem.code}</code>}
      </div>
    </State>
  )
}

interface Words {
  readonly title: string
  readonly tone: "plain" | "fair" | "bad"
  readonly more?: string
}

function wordsFor(problem: ProblemError | undefined): Words {
  if (problem === undefined) return { title: "This page made a mistake", tone: "bad" }
  if (problem.code === "DOOR_SESSION") {
    const more = "This browser’s session has ended. Open the link that postern console printed."
    return { title: "No session", tone: "fair", more }
  }
  if (problem.status === 403 || problem.status === 401) {
    return { title: "Your grant does not cover this", tone: "fair" }
  }
  if (problem.status === 404 || problem.code === "HTTP_ROUTE") {
    const more = "This reader does not offer it, or there is no such thing in the log."
    return { title: "Not available here", tone: "plain", more }
  }
  if (problem.status === 429 || problem.code === "OVERLOADED") {
    return { title: "The reader is busy", tone: "fair" }
  }
  if (problem.status === 0) return { title: "No answer", tone: "bad" }
  return { title: "The reader could not answer", tone: "bad" }
}

/** Bars in the place of lines that are on their way. After a while it says that it is slow. */
export function Skeleton({ lines = 6 }: { readonly lines?: number }) {
  const [slow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 4000)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div className="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines are alike and never move
          key={line}
          className="skeleton"
          style={{ width: `${90 - ((line * 37) % 45)}%` }}
        />
      ))}
      {slow && (
        <p className="small quiet">Still asking the reader. Large questions take a while.</p>
      )}
    </div>
  )
}

/** The answer if it is there; else that it is on its way, or why it did not come. */
export function Answered<T>({
  query,
  children,
  lines,
}: {
  readonly query: UseQueryResult<T>
  readonly children: (answer: T) => ReactNode
  readonly lines?: number
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>
  if (query.error !== null) {
    return <Failure error={query.error} onRetry={() => void query.refetch()} />
  }
  return <Skeleton {...(lines === undefined ? {} : { lines })} />
}

/** Says that the counts of a page do not cover the whole log yet. */
export function Partial({ answer }: { readonly answer: { readonly complete?: boolean } }) {
  if (answer.complete !== false) return null
  return (
    <p className="partial small" role="status">
      The reader has started and has not read the log to its end yet: counts and times on this page
      grow.
    </p>
  )
}
