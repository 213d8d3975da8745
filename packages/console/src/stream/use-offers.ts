import { completeAt } from "@postern/log/query"
import { useQuery } from "@tanstack/react-query"
import { useEffect, useMemo, useState } from "react"
import { api, type Completion } from "../api/index.ts"

/** What could stand at the caret, and which characters it takes the place of. */
export interface Offers {
  readonly from: number
  readonly to: number
  readonly items: readonly Completion[]
}

const offersMax = 12
/** The server is asked for values when the typing pauses. */
const pauseMs = 120

/** Fields and operators are known here; frequent values of a field are the server's to say. */
export function useOffers(text: string, caret: number | undefined): Offers {
  const own = useMemo(() => offersAt(text, caret), [text, caret])
  const [settled, setSettled] = useState({ text, caret })
  useEffect(() => {
    const timer = setTimeout(() => setSettled({ text, caret }), pauseMs)
    return () => clearTimeout(timer)
  }, [text, caret])
  const isSettled = settled.text === text && settled.caret === caret
  const { data: served } = useQuery({
    queryKey: ["complete", settled.text, settled.caret],
    queryFn: ({ signal }) => api.complete(settled.text, settled.caret ?? 0, signal),
    enabled: isSettled && own.wantsValues,
  })
  if (isSettled && own.wantsValues && served !== undefined && served.items.length > 0) {
    return { ...served, items: served.items.slice(0, offersMax) }
  }
  return own.offers
}

const nothing: Offers = { from: 0, to: 0, items: [] }

function offersAt(text: string, caret: number | undefined) {
  if (caret === undefined) return { offers: nothing, wantsValues: false }
  const { at, length, begun, fields, operators, valueOf: field, values } = completeAt(text, caret)
  // Before anything is written, all fields would only be in the way of the operators.
  const named = begun === "" && text.trim() !== "" ? [] : fields.map((name) => `${name}:`)
  const items = [...values, ...named, ...operators].map((item) => ({ text: item }))
  const offers = { from: at, to: at + length, items: items.slice(0, offersMax) }
  return { offers, wantsValues: field !== undefined }
}
