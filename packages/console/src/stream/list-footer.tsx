import { counted, formatCount } from "../look/index.ts"
import type { Rows } from "./use-rows.ts"

/** How far the answer goes: complete, still going on, cut off, or broken. */
export function ListFooter({ rows }: { readonly rows: Rows }) {
  const { source, problem, retry } = rows
  if (source === undefined) return null
  if (problem !== undefined) {
    return (
      <p className="rows-foot" role="alert">
        The answer broke off: {problem.message}
        <button type="button" className="button tiny" onClick={retry}>
          Try again
        </button>
      </p>
    )
  }
  const { progress, count } = source
  if (progress === undefined) return null
  const { examined, of, isComplete, isPaused } = progress
  const range = `${formatCount(Math.min(examined, of))} of ${counted(of, "entry")}`
  if (isComplete) {
    return <p className="rows-foot quiet">{counted(count, "entry")}. That is all in the range.</p>
  }
  if (!isPaused) return <p className="rows-foot quiet">Examined {range} so far…</p>
  return (
    <p className="rows-foot">
      Examined {range} and found nothing more yet.
      <button type="button" className="button tiny" onClick={retry}>
        Go on
      </button>
    </p>
  )
}
