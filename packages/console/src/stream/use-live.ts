import { useCallback, useEffect, useRef, useState } from "react"
import { followTail, type ProblemError } from "../api/index.ts"
import { type Row, readRow } from "./row.ts"
import type { RowProofs } from "./row-proofs.ts"
import type { RowSource } from "./row-source.ts"

/** off: nobody asked · waiting: not connected yet, or again · on · ended: it will not come back by itself */
export type LiveState = "off" | "waiting" | "on" | "ended"

export interface Live {
  readonly state: LiveState
  readonly problem: ProblemError | undefined
  /** Entries that came in while somebody looks further down. */
  readonly pending: number
  /** All that came in, for the picture; the last ones if there are very many. */
  readonly counted: readonly Row[]
  /** Puts the pending entries into the list. */
  merge(): void
}

/** So often what came in is shown: a busy log is not drawn at every entry. */
const flushMs = 200
const pendingMax = 5000

/** Follows the log behind what the list shows; takes entries in at once while its top is on the screen. */
export function useLive(
  source: RowSource | undefined,
  proofs: RowProofs | undefined,
  q: string,
  wanted: boolean,
  isAtTop: boolean,
  onGrown: (rows: number) => void,
): Live {
  const [state, setState] = useState<LiveState>("off")
  const [problem, setProblem] = useState<ProblemError | undefined>(undefined)
  const [pending, setPending] = useState(0)
  const [counted, setCounted] = useState<readonly Row[]>([])
  const waiting = useRef<Row[]>([])
  const looking = useRef({ isAtTop, onGrown })
  looking.current = { isAtTop, onGrown }
  const newest = source?.newest
  const isKnown = newest !== undefined

  const merge = useCallback(() => {
    const rows = waiting.current
    waiting.current = []
    setPending(0)
    const grown = source?.grow(rows) ?? 0
    if (grown > 0) looking.current.onGrown(grown)
  }, [source])

  useEffect(() => {
    waiting.current = []
    setPending(0)
    setCounted([])
    setProblem(undefined)
    if (source === undefined || !wanted || !isKnown) return setState("off")
    setState("waiting")
    let fresh: Row[] = []
    let stretch = proofs?.begin()
    const shown = source.newest ?? -1
    const stop = followTail(q, proofs?.startOf(shown) ?? shown, {
      onEntry: (entry) => {
        if (entry.index <= shown) return stretch?.takeAgain(entry)
        const row = readRow(entry)
        fresh.push(row)
        stretch?.takeEntry(entry, row)
      },
      onOpening: (entry) => stretch?.takeOpening(entry),
      onProof: (answer) => stretch?.prove(answer),
      onState: (isOpen) => {
        setState(isOpen ? "on" : "waiting")
        // What no path came for on the last connection, none comes for on this one.
        if (isOpen) stretch = proofs?.begin()
      },
      onEnd: (ended) => {
        setProblem(ended)
        setState("ended")
      },
    })
    const timer = setInterval(() => {
      if (fresh.length === 0) return
      const rows = fresh
      fresh = []
      waiting.current = [...waiting.current, ...rows].slice(-pendingMax)
      setCounted((before) => [...before, ...rows].slice(-pendingMax))
      if (looking.current.isAtTop) merge()
      else setPending((count) => count + rows.length)
    }, flushMs)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [source, proofs, q, wanted, isKnown, merge])

  useEffect(() => {
    if (isAtTop && waiting.current.length > 0) merge()
  }, [isAtTop, merge])
  return { state, problem, pending, counted, merge }
}
