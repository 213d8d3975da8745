import { formatTime } from "@postern/log/event"
import { useCallback, useMemo, useRef } from "react"
import { changed, go, useAddress } from "../address/index.ts"
import type { StatusAnswer } from "../api/index.ts"
import { EntryPanel } from "../entry/index.ts"
import { Icon } from "../look/index.ts"
import { Facets } from "./facets.tsx"
import { GrantLine } from "./grant-line.tsx"
import { Histogram } from "./histogram.tsx"
import { ListBody } from "./list-body.tsx"
import { Misread } from "./misread.tsx"
import { QueryBox } from "./query-box.tsx"
import type { RowProofs } from "./row-proofs.ts"
import { readQuestion } from "./scope.ts"
import { StreamTools } from "./stream-tools.tsx"
import { useProofs } from "./use-proofs.ts"
import { type Stream, useStream } from "./use-stream.ts"

/** The stream and, beside it, the entry that is open. */
export function StreamPage({ status }: { readonly status: StatusAnswer }) {
  const address = useAddress()
  const { parameters } = address
  const question = useMemo(() => readQuestion(parameters), [parameters])
  const opened = parameters.get("entry")
  const newest = useRef(address)
  newest.current = address
  const change = useCallback((to: Readonly<Record<string, string | undefined>>) => {
    go(changed(newest.current, to))
  }, [])
  const stream = useStream(question, status, opened, change)
  return (
    <div className="stream" data-open={opened !== null}>
      <div className="stream-main">
        <h1 className="visually-hidden">Stream</h1>
        <div className="stream-top">
          <QueryBox
            value={question.q}
            field={stream.field}
            refused={stream.rows.problem}
            onAsk={stream.ask}
          />
          <StreamTools stream={stream} parameters={parameters} />
          <GrantLine status={status} />
          <Picture stream={stream} />
        </div>
        <Body stream={stream} />
      </div>
      {opened !== null && (
        <EntryPanel index={Number(opened)} onClose={() => change({ entry: undefined })} />
      )}
    </div>
  )
}

function Picture({ stream }: { readonly stream: Stream }) {
  const { picture, histogram, isSound, change } = stream
  if (!isSound) return null
  const brush = (from: number, to: number) => {
    const times = { since: formatTime(from), until: formatTime(to) }
    change({ ...times, range: undefined, entry: undefined })
  }
  if (histogram.error !== null) {
    return (
      <p className="histogram none small quiet">No picture over time: {histogram.error.message}</p>
    )
  }
  if (picture !== undefined) {
    return (
      <div className="answer" data-stale={histogram.isPlaceholderData}>
        <Histogram answer={picture} onBrush={brush} />
      </div>
    )
  }
  return (
    <div className="histogram">
      <span className="skeleton tall" />
    </div>
  )
}

function Body({ stream }: { readonly stream: Stream }) {
  const { isSound, withFacets, facets, question, ask, rows, live, isAtTop, toTop } = stream
  const isSplit = withFacets && isSound
  const show = () => {
    live.merge()
    toTop()
  }
  return (
    <div className="stream-body" data-facets={isSplit}>
      {isSplit && <Facets query={facets} q={question.q} onAsk={ask} />}
      <div className="list">
        {live.pending > 0 && !isAtTop && (
          <button type="button" className="pill" onClick={show}>
            <Icon name="up" />
            {live.pending.toLocaleString("en")} new
          </button>
        )}
        <Broken proofs={rows.proofs} />
        {isSound ? <ListBody stream={stream} /> : <Misread q={question.q} onAsk={ask} />}
      </div>
    </div>
  )
}

/** A row that is no entry of the log, or one that was changed, is shown by nobody who is honest. */
function Broken({ proofs }: { readonly proofs: RowProofs | undefined }) {
  useProofs(proofs)
  if (proofs?.failure === undefined) return null
  return (
    <p className="broken" role="alert">
      <b>FAILED.</b> What the reader sent for this list does not hold. Rely on nothing in it, and
      ask whoever runs the log. ({proofs.failure.message})
    </p>
  )
}
