import { useCallback, useRef } from "react"
import { useKept } from "../kept/index.ts"
import { Failure } from "../look/index.ts"
import { shownColumns } from "./columns.tsx"
import { EmptyStream } from "./empty-stream.tsx"
import { ListFooter } from "./list-footer.tsx"
import { ListHeader, ListRow } from "./list-row.tsx"
import { LongList } from "./long-list.tsx"
import { useProofs } from "./use-proofs.ts"
import type { Stream } from "./use-stream.ts"

/** Rows that are drawn while nothing is known yet. */
const rowsAtFirst = 14

/** The list, or what is said in its place. */
export function ListBody({ stream }: { readonly stream: Stream }) {
  const { rows, question, number, selected, opened, list, setAtTop, open, change } = stream
  const names = useKept(shownColumns)
  const scroller = useRef<HTMLDivElement>(null)
  const { source, proofs, problem } = rows
  const onRange = useCallback((first: number, last: number) => source?.want(first, last), [source])
  useProofs(proofs)
  const count = source?.count ?? 0
  if (problem !== undefined && count === 0) return <Failure error={problem} onRetry={rows.retry} />
  if (source !== undefined && count === 0 && (source.progress?.isComplete ?? true)) {
    const widen = () => change({ range: "all", since: undefined, until: undefined })
    return <EmptyStream question={question} onWiden={widen} />
  }
  return (
    <LongList
      key={number}
      count={source === undefined ? rowsAtFirst : count}
      label={`Entries, ${question.order === "desc" ? "newest" : "oldest"} first`}
      scroller={scroller}
      control={list}
      onRange={onRange}
      onTop={setAtTop}
      active={selected === undefined ? undefined : `row-${selected}`}
      header={<ListHeader names={names} />}
      footer={<ListFooter rows={rows} />}
      row={(position, top) => {
        const row = source?.at(position)
        return (
          <ListRow
            key={position}
            id={`row-${position}`}
            {...{ position, top, row, names }}
            proof={row === undefined ? undefined : proofs?.of(row)}
            isSelected={position === selected}
            isOpen={row !== undefined && String(row.index) === opened}
            onOpen={open}
          />
        )
      }}
    />
  )
}
