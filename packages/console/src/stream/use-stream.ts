import { keepPreviousData, useQuery } from "@tanstack/react-query"
import { useCallback, useMemo, useRef, useState } from "react"
import { api, type StatusAnswer } from "../api/index.ts"
import { facetsShown, useKept } from "../kept/index.ts"
import { withLive } from "./histogram-data.ts"
import type { LongListControl } from "./long-list.tsx"
import { faultOf } from "./query-language.ts"
import { canBeLive, type StreamQuestion, scopeOf } from "./scope.ts"
import { useKeys } from "./use-keys.ts"
import { useLive } from "./use-live.ts"
import { useRows } from "./use-rows.ts"

const bucketsWanted = 120
const facetValues = 20

export type Change = (to: Readonly<Record<string, string | undefined>>) => void

/** Everything that the stream asks and knows; the page only draws it. */
export function useStream(
  question: StreamQuestion,
  status: StatusAnswer,
  opened: string | null,
  change: Change,
) {
  const list = useRef<LongListControl>(null)
  const field = useRef<HTMLInputElement>(null)
  const [isAtTop, setAtTop] = useState(true)
  const [wantsLive, setWantsLive] = useState(true)
  const { scope, number, again } = useScope(question)
  const isSound = useMemo(() => faultOf(question.q) === undefined, [question.q])
  const rows = useRows(scope, question.order, status.see === "auditor", isSound)
  const { source } = rows
  const { selected, setSelected, open } = useSelection(source, number, change)
  const onGrown = useCallback(
    (count: number) => setSelected((at) => (at === undefined ? undefined : at + count)),
    [setSelected],
  )
  const mayLive = canBeLive(question)
  const live = useLive(source, rows.proofs, rows.q, mayLive && wantsLive, isAtTop, onGrown)
  const counts = useCounts(scope, isSound)
  const picture = useMemo(() => {
    const { data, isPlaceholderData } = counts.histogram
    if (data === undefined || isPlaceholderData) return data
    return withLive(data, live.counted)
  }, [counts.histogram, live.counted])
  useKeys({
    ...{ field, list, count: source?.count ?? 0, selected, setSelected, open },
    isOpen: opened !== null,
    close: () => change({ entry: undefined }),
  })
  const toTop = () => list.current?.show(0, "start")
  return {
    ...{ question, scope, number, isSound, rows, live, mayLive, picture, opened, selected, open },
    ...{ isAtTop, setAtTop, list, field, toTop, change, wantsLive },
    ...counts,
    toggleLive: () => setWantsLive(!wantsLive),
    ask: (q: string) => change({ q, entry: undefined }),
    again: () => {
      again()
      toTop()
    },
  }
}

export type Stream = ReturnType<typeof useStream>

/** What is asked, reckoned from the moment of asking; `number` is another one for each question. */
function useScope(question: StreamQuestion) {
  const [times, setTimes] = useState(0)
  const { q, range, since, until, order } = question
  const key = JSON.stringify([times, q, range, since, until, order])
  const asked = useRef({ key: "", number: 0, scope: scopeOf(question, 0) })
  if (asked.current.key !== key) {
    const number = asked.current.number + 1
    asked.current = { key, number, scope: scopeOf(question, Date.now()) }
  }
  const { scope, number } = asked.current
  return { scope, number, again: () => setTimes(times + 1) }
}

function useSelection(
  source: ReturnType<typeof useRows>["source"],
  number: number,
  change: Change,
) {
  const [chosen, setChosen] = useState<{ number: number; at: number | undefined }>({
    number,
    at: undefined,
  })
  const selected = chosen.number === number ? chosen.at : undefined
  const setSelected = useCallback(
    (next: number | ((at: number | undefined) => number | undefined)) => {
      setChosen((before) => {
        const at = before.number === number ? before.at : undefined
        return { number, at: typeof next === "function" ? next(at) : next }
      })
    },
    [number],
  )
  const open = useCallback(
    (position: number) => {
      setSelected(position)
      const row = source?.at(position)
      if (row !== undefined) change({ entry: String(row.index) })
    },
    [source, change, setSelected],
  )
  return { selected, setSelected, open }
}

function useCounts(scope: ReturnType<typeof scopeOf>, isSound: boolean) {
  const withFacets = useKept(facetsShown)
  const histogram = useQuery({
    queryKey: ["histogram", scope],
    queryFn: ({ signal }) => api.histogram({ ...scope, buckets: bucketsWanted }, signal),
    placeholderData: keepPreviousData,
    enabled: isSound,
  })
  const facets = useQuery({
    queryKey: ["facets", scope],
    queryFn: ({ signal }) => api.facets({ ...scope, top: facetValues }, signal),
    placeholderData: keepPreviousData,
    enabled: withFacets && isSound,
  })
  return { histogram, facets, withFacets }
}
