import { State } from "../look/index.ts"
import { ranges, type StreamQuestion } from "./scope.ts"

/** Everything was examined, and nothing is there. */
export function EmptyStream({
  question,
  onWiden,
}: {
  readonly question: StreamQuestion
  readonly onWiden: () => void
}) {
  const { q, range } = question
  const what = q === "" ? "Nothing was received" : "Everything was examined, and nothing fits,"
  const where =
    range === undefined ? "between these times" : `in the range “${ranges[range].label}”`
  return (
    <State title={q === "" ? "No entries in this time range" : "No entry fits this question"}>
      <p>
        {what} {where}.
      </p>
      {range !== "all" && (
        <button type="button" className="button" onClick={onWiden}>
          Look at all time
        </button>
      )}
    </State>
  )
}
