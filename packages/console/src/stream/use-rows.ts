import { useQueryClient } from "@tanstack/react-query"
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from "react"
import { api, type EntryPage, type Scope } from "../api/index.ts"
import { FoundRows } from "./found-rows.ts"
import { logNotes, quietMoment } from "./log-notes.ts"
import { RangeRows } from "./range-rows.ts"
import { type Row, readRow } from "./row.ts"
import { RowProofs } from "./row-proofs.ts"
import type { RowSource } from "./row-source.ts"

const pageRows = 100
const rowsAtFirst = 40

export interface Rows {
  readonly source: RowSource | undefined
  /** Which of its rows are proven. */
  readonly proofs: RowProofs | undefined
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
  const [opened, setOpened] = useState<Opened>({})
  const client = useQueryClient()
  const [tries, setTries] = useState(0)
  const { q, since, until } = scope
  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` is what asks again
  useEffect(() => {
    if (!isSound) return
    const stop = new AbortController()
    let made: RowSource | undefined
    setOpened({})
    const proofs = new RowProofs(logNotes(client), quietMoment)
    const read = (page: EntryPage) => {
      const rows = page.entries.map(readRow)
      proofs.takePage(page, rows)
      return rows
    }
    openRows({ q, since, until }, { order, mayReadRanges, read }, stop.signal).then(
      (source) => {
        if (stop.signal.aborted) return source.close()
        made = source
        source.want(0, rowsAtFirst)
        setOpened({ source, proofs, q: q ?? "" })
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
  }, [q, since, until, order, mayReadRanges, isSound, client, tries])
  const { source, proofs, problem } = opened
  const subscribe = useMemo(
    () => source?.subscribe.bind(source) ?? (() => () => undefined),
    [source],
  )
  const version = useSyncExternalStore(subscribe, () => source?.version ?? 0)
  const retry = useCallback(() => {
    if (source === undefined) setTries((count) => count + 1)
    else source.resume()
  }, [source])
  return { source, proofs, q: opened.q ?? "", problem: problem ?? source?.problem, version, retry }
}

interface Opened {
  readonly source?: RowSource
  readonly proofs?: RowProofs
  readonly q?: string
  readonly problem?: Error
}

interface Reading {
  readonly order: "desc" | "asc"
  readonly mayReadRanges: boolean
  readonly read: (page: EntryPage) => readonly Row[]
}

async function openRows(
  scope: Scope,
  { order, mayReadRanges, read }: Reading,
  signal: AbortSignal,
): Promise<RowSource> {
  const { q, since, until } = scope
  if (q === undefined && mayReadRanges) {
    const times = {
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
    }
    const first = await api.entries({ ...times, limit: 1 }, signal)
    const { from, to } = first
    read(first)
    return new RangeRows({
      ...{ from, to, order },
      read: async (first, end, stop) =>
        read(await api.entries({ from: first, to: end, limit: end - first }, stop)),
    })
  }
  return new FoundRows(async (cursor, stop) => {
    const answer = await api.search({ ...scope, order, limit: pageRows, cursor }, stop)
    return {
      rows: read(answer),
      examined: answer.scanned,
      size: answer.size,
      isComplete: answer.complete,
      cursor: answer.cursor,
    }
  })
}
