import { facetsShown } from "../kept/index.ts"
import { Icon } from "../look/index.ts"
import type { Row } from "./row.ts"
import { ColumnChoice, CopyChoice, RangePicker, SavedChoice } from "./toolbar.tsx"
import type { Stream } from "./use-stream.ts"

/** What one can do with a question besides writing it. */
export function StreamTools({
  stream,
  parameters,
}: {
  readonly stream: Stream
  readonly parameters: URLSearchParams
}) {
  const { question, change, withFacets, scope, again, rows } = stream
  return (
    <div className="row tools">
      <button
        type="button"
        className="button"
        aria-pressed={withFacets}
        onClick={() => facetsShown.set(!withFacets)}
      >
        <Icon name="filter" />
        <span>Values</span>
      </button>
      <RangePicker question={question} onChange={change} />
      <OrderButton stream={stream} />
      <span className="grow" />
      <LiveButton stream={stream} />
      <button type="button" className="button" onClick={again}>
        <span>Ask again</span>
      </button>
      <ColumnChoice />
      <SavedChoice parameters={parameters} />
      <CopyChoice scope={scope} rows={() => rowsOnScreen(rows.source)} />
    </div>
  )
}

function OrderButton({ stream: { question, change } }: { readonly stream: Stream }) {
  const isNewest = question.order === "desc"
  return (
    <button
      type="button"
      className="button"
      onClick={() => change({ order: isNewest ? "asc" : undefined })}
    >
      <Icon name={isNewest ? "down" : "up"} />
      <span>{isNewest ? "Newest first" : "Oldest first"}</span>
    </button>
  )
}

const liveWords = {
  off: "Live is off",
  waiting: "Connecting",
  on: "Live",
  ended: "Live ended",
} as const

function LiveButton({ stream }: { readonly stream: Stream }) {
  const { live, mayLive, wantsLive, toggleLive } = stream
  const title = mayLive
    ? (live.problem?.message ?? "New entries come in at the top")
    : "A range with an end, or the oldest first, has nothing new at its top"
  return (
    <button
      type="button"
      className="button live"
      data-state={live.state}
      aria-pressed={mayLive && wantsLive}
      disabled={!mayLive}
      title={title}
      onClick={toggleLive}
    >
      <Icon name="live" />
      <span>{liveWords[live.state]}</span>
    </button>
  )
}

function rowsOnScreen(source: Stream["rows"]["source"]): readonly Row[] {
  const shown = document.querySelectorAll<HTMLElement>(".rows .entry-row")
  return [...shown].flatMap(({ id }) => source?.at(Number(id.slice("row-".length))) ?? [])
}
