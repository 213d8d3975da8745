import { memo } from "react"
import { formatCount, Icon } from "../look/index.ts"
import { type ColumnName, columns } from "./columns.tsx"
import type { Row } from "./row.ts"
import type { RowProof } from "./row-proofs.ts"

export function gridTemplate(names: readonly ColumnName[]): string {
  return names.map((name) => columns[name].width).join(" ")
}

export function ListHeader({ names }: { readonly names: readonly ColumnName[] }) {
  return (
    <div className="rows-head" role="rowgroup">
      <div
        className="grid-row"
        role="row"
        aria-rowindex={1}
        style={{ gridTemplateColumns: gridTemplate(names) }}
      >
        {names.map((name) => (
          <div key={name} role="columnheader" className="cell">
            {columns[name].title}
          </div>
        ))}
      </div>
    </div>
  )
}

interface ListRowProps {
  readonly id: string
  readonly position: number
  readonly top: number
  readonly row: Row | undefined
  readonly proof: RowProof | undefined
  readonly names: readonly ColumnName[]
  readonly isSelected: boolean
  readonly isOpen: boolean
  readonly onOpen: (position: number) => void
}

/** One entry. Rows that do not change are not drawn again while others come and go. */
export const ListRow = memo(function ListRow(props: ListRowProps) {
  const { row, proof, names, position, onOpen } = props
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the focus, and its keys do the same
    <div
      id={props.id}
      role="row"
      aria-rowindex={position + 2}
      aria-selected={props.isSelected}
      className="grid-row entry-row"
      data-open={props.isOpen}
      data-index={row?.index}
      data-outcome={typeof row?.event.outcome === "string" ? row.event.outcome : undefined}
      style={{ transform: `translateY(${props.top}px)`, gridTemplateColumns: gridTemplate(names) }}
      onClick={() => onOpen(position)}
    >
      {names.map((name, i) => (
        <div
          key={name}
          role="gridcell"
          className={columns[name].isMono ? "cell mono" : "cell"}
          title={row === undefined ? undefined : columns[name].exact?.(row)}
        >
          {i === 0 && proof !== undefined && <ProofMark proof={proof} />}
          {row === undefined ? <span className="skeleton" /> : columns[name].show(row)}
        </div>
      ))}
    </div>
  )
})

/** In the margin: that this browser found the entry in a tree that the log signed. Whoever wants to see how opens the entry. */
function ProofMark({ proof }: { readonly proof: RowProof }) {
  const isProven = proof !== "failed"
  const title = isProven
    ? `in the tree of checkpoint ${formatCount(proof)}, checked by this browser`
    : "FAILED: what came with this entry does not hold"
  return (
    <span
      className="proof-mark"
      data-proof={isProven ? "holds" : "failed"}
      role="img"
      aria-label={isProven ? "checked" : "FAILED"}
      title={title}
    >
      <Icon name={isProven ? "tick" : "close"} />
    </span>
  )
}
