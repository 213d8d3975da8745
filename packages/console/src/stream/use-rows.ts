import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react"
import { api, type Scope } from "../api/index.ts"
import { FoundRows } from "./found-rows.ts"
import { RangeRows } from "./range-rows.ts"
import { readRow } from "./row.ts"
import type { RowSource } from "./row-source.ts"

const pageRows = 100
const rowsAtFirst = 40

export interface Rows {
  readonly source: RowSource | undefined
  /** The query that the source answers, which may be the one before last while another is on its way. */
  readonly q: string
  readonly problem: Error | undefined
  /** Number of the state of the source. */
  readonly version: number
  retry(): void
}

/**
 * The rows of a question. Without a query, and for whoever may read ranges, any place in the range can be had at once; else
 * the answer comes page after page.
 * @param isSound false asks nothing: a query that cannot be read has no answer
 */
export function useRows(
  scope: Scope,
  order: "desc" | "asc",
  mayReadRanges: boolean,
  isSound: boolean,
): Rows {
  const [opened, setOpened] = useState<{ source?: RowSource; q?: string; problem?: Error }>({})
  const [tries, setTries] = useState(0)
  const { q, since, until } = scope
  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` is what asks again
  useEffect(() => {
    if (!isSound) return
    const stop = new AbortController()
    let made: RowSource | undefined
    setOpened({})
    openRows({ q, since, until }, order, mayReadRanges, stop.signal).then(
      (source) => {
        if (stop.signal.aborted) return source.close()
        made = source
        source.want(0, rowsAtFirst)
        setOpened({ source, q: q ?? "" })
      },
      (error: unknown) => {
        if (stop.signal.aborted) return
        setOpened({ problem: error instanceof Error ? error : new Error(String(error)) })
      },
    )
    return () => {
      stop.abort()
      made?.close()
    }
  }, [q, since, until, order, mayReadRanges, isSound, tries])
  const { source, problem } = opened
  const subscribe = useMemo(
    () => source?.subscribe.bind(source) ?? (() => () => undefined),
    [source],
  )
  const version = useSyncExternalStore(subscribe, () => source?.version ?? 0)
  const retry = useCallback(() => {
    if (source === undefined) setTries((count) => count + 1)
    else source.resume()
  }, [source])
  return { source, q: opened.q ?? "", problem: problem ?? source?.problem, version, retry }
}

async function openRows(
  scope: Scope,
  order: "desc" | "asc",
  mayReadRanges: boolean,
  signal: AbortSignal,
): Promise<RowSource> {
  const { q, since, until } = scope
  if (q === undefined && mayReadRanges) {
    const times = {
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    }
    const { from, to } = await api.entries({ ...times, limit: 1 }, signal)
    return new RangeRows({
      ...{ from, to, order },
      read: async (first, end, stop) => {
        const { entries } = await api.entries({ from: first, to: end, limit: end - first }, stop)
        return entries.map(readRow)
      },
    })
  }
  return new FoundRows(async (cursor, stop) => {
    const answer = await api.search({ ...scope, order, limit: pageRows, cursor }, stop)
    return {
      rows: answer.entries.map(readRow),
      examined: answer.scanned,
      size: answer.size,
      isComplete: answer.complete,
      cursor: answer.cursor,
    }
  })
}
