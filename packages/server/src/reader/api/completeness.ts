import type { Query } from "@postern/log/query"
import type { LogView } from "../../disk/index.ts"
import { type ReadEntry, readEntry } from "./entry.ts"

/**
 * What shows that an answer leaves nothing out. A proof of inclusion never does; indexes and sequences without a gap do,
 * where the question asks for a stretch of them.
 */
export type Completeness =
  /** Every entry of `[from, to)`, and the ones next to it, whose times show that it need not reach farther. */
  | { readonly kind: "range"; readonly from: number; readonly to: number }
  /** Every entry of the stream from sequence `first` to `last`. */
  | {
      readonly kind: "stream"
      readonly stream: number
      readonly first: number
      readonly last: number
    }
  | { readonly kind: "none"; readonly reason: string }

export interface ShownCompleteness {
  readonly said: Completeness
  readonly neighbours: readonly ReadEntry[]
}

const noProof: ShownCompleteness = {
  said: {
    kind: "none",
    reason:
      "only all entries of a range (no query, since and until at most) or of one stream (stream:N) can be shown to be complete; for anything else read such a range and filter it yourself",
  },
  neighbours: [],
}

/** The entry before is not there to show that it does not belong. */
function noProofAt(minimum: number): ShownCompleteness {
  const reason = `the log begins at entry ${minimum}: what stood before it was removed by rule; begin the range later`
  return { said: { kind: "none", reason }, neighbours: [] }
}

/** @param scanned what was examined for the rows, half-open */
export async function completenessOf(
  view: LogView,
  query: Query,
  scanned: { readonly from: number; readonly to: number },
  rows: readonly ReadEntry[],
): Promise<ShownCompleteness> {
  const { from, to } = scanned
  if (isStretch(query) && rows.length === to - from) {
    const { minimum } = view.head()
    if (from > 0 && from === minimum) return noProofAt(minimum)
    const beside = [from - 1, to].filter((index) => index >= 0 && index < view.head().size)
    const neighbours = await Promise.all(
      beside.map(async (index) => {
        const [leaf] = await view.leaves(index, index + 1)
        return readEntry(index, leaf as Uint8Array)
      }),
    )
    return { said: { kind: "range", from, to }, neighbours }
  }
  const stream = streamOf(query)
  const sequences = rows.map(({ entry }) => entry.stamp.sequence)
  const [first, last] = [Math.min(...sequences), Math.max(...sequences)]
  if (stream === undefined || last - first + 1 !== rows.length) return noProof
  return { said: { kind: "stream", stream, first, last }, neighbours: [] }
}

/** Whether it asks for received times alone: these never go back along the log, so what fits stands side by side. */
function isStretch(query: Query): boolean {
  if (query.kind === "and") return query.parts.every(isStretch)
  return query.kind === "all" || (query.kind === "field" && query.path.join(".") === "received")
}

function streamOf(query: Query): number | undefined {
  if (query.kind !== "field" || query.path.join(".") !== "stream") return undefined
  return query.test.kind === "equals" ? Number(query.test.text) : undefined
}
